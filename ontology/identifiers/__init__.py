"""Identifiers of people, enterprises, vehicles and phones: one module per kind.

Each `check_…` takes text as received and gives a `Verdict`; each `make_…` composes a synthetic number for the seeder.
"""

from ontology.identifiers.citizen_id import (
    XIAOSHAN_CODES,
    check_citizen_id,
    citizen_check_digits,
    make_citizen_id,
    make_citizen_ids,
    to_eighteen,
)
from ontology.identifiers.masking import (
    COMPOUND_SURNAMES,
    identity_hash,
    identity_hashes,
    mask_citizen_id,
    mask_document,
    mask_mobile,
    mask_name,
)
from ontology.identifiers.mobile import check_mobile, check_phone
from ontology.identifiers.permits import check_permit, check_property_unit
from ontology.identifiers.plate import check_ebike_plate, check_plate
from ontology.identifiers.uscc import (
    check_uscc,
    make_registration,
    make_uscc,
    make_usccs,
    organisation_check_digits,
    uscc_check_digits,
)
from ontology.identifiers.verdict import Check, Verdict, fold
from ontology.identifiers.vin import check_vin, make_vin

__all__ = [
    "COMPOUND_SURNAMES",
    "XIAOSHAN_CODES",
    "Check",
    "Verdict",
    "check_citizen_id",
    "check_ebike_plate",
    "check_mobile",
    "check_permit",
    "check_phone",
    "check_plate",
    "check_property_unit",
    "check_uscc",
    "check_vin",
    "citizen_check_digits",
    "fold",
    "identity_hash",
    "identity_hashes",
    "make_citizen_id",
    "make_citizen_ids",
    "make_registration",
    "make_uscc",
    "make_usccs",
    "make_vin",
    "mask_citizen_id",
    "mask_document",
    "mask_mobile",
    "mask_name",
    "organisation_check_digits",
    "to_eighteen",
    "uscc_check_digits",
]
