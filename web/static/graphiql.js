// Mounts GraphiQL with the example queries in its tabs. Everything it loads comes from this server.
// What is typed is kept for the tab only (sessionStorage): a shared desk must not keep what was asked.
"use strict";

(async () => {
  const root = document.getElementById("graphiql");
  let examples = [];
  try {
    const answer = await fetch("/examples.json", { headers: { Accept: "application/json" } });
    examples = (await answer.json()).examples;
  } catch {
    // Without examples GraphiQL starts with an empty tab.
  }
  const wanted = new URLSearchParams(location.hash.slice(1)).get("example");
  const chosen = examples.find((example) => example.name === wanted);
  const fromUrl = new URLSearchParams(location.search);
  const tabs = examples.map(({ query, variables }) => ({
    query,
    variables: Object.keys(variables).length ? JSON.stringify(variables, null, 2) : "",
  }));
  if (chosen) {
    const first = examples.indexOf(chosen);
    tabs.unshift(...tabs.splice(first, 1));
  }
  if (fromUrl.get("query")) {
    tabs.unshift({ query: fromUrl.get("query"), variables: fromUrl.get("variables") ?? "" });
  }
  if (chosen || fromUrl.get("query")) {
    // A link says what to show; what was open before gives way.
    sessionStorage.removeItem("graphiql:tabState");
  }
  // GraphiQL fills the first tab's query, but its variables only from here.
  const fresh = sessionStorage.getItem("graphiql:tabState") === null;
  const isSubscription = (parameters, options) =>
    (options?.documentAST?.definitions ?? []).some(
      (one) =>
        one.operation === "subscription" &&
        (!parameters.operationName || one.name?.value === parameters.operationName),
    );
  const events = async function* (parameters, options) {
    const answer = await fetch("/graphql", {
      method: "POST",
      headers: { ...options?.headers, "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(parameters),
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        held += value;
        for (let end = held.indexOf("\n\n"); end >= 0; end = held.indexOf("\n\n")) {
          const lines = held.slice(0, end).split("\n");
          held = held.slice(end + 2);
          if (lines.includes("event: complete")) return;
          const data = lines.find((line) => line.startsWith("data: "));
          if (data) yield JSON.parse(data.slice(6));
        }
      }
    } finally {
      // Whoever presses stop wants no more of it.
      await reader.cancel();
    }
  };
  const fetcher = async (parameters, options) => {
    if (isSubscription(parameters, options)) return events(parameters, options);
    const answer = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", ...options?.headers },
      body: JSON.stringify(parameters),
    });
    return answer.json();
  };
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, {
      fetcher,
      storage: window.sessionStorage,
      defaultTabs: tabs.length ? tabs : undefined,
      variables: fresh && tabs.length ? tabs[0].variables : undefined,
      defaultEditorToolsVisibility: "variables",
      shouldPersistHeaders: false,
    }),
  );
  document.documentElement.dataset.graphiql = "mounted";
})();
