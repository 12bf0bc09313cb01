/**
 * What a browser shows while a version starts. Needs nothing from outside; reloads itself, so that the version's own page
 * comes as soon as it can.
 * @param version a checked version name, which holds nothing that HTML could read as markup
 */
export function waitingPage(version: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="1">
<title>Starting ${version} …</title>
<style>
:root{color-scheme:light dark;--ink:#1c2330;--quiet:#6b7485;--ground:#f6f7f9;--mark:#3b6fd8}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebf1;--quiet:#8d96a8;--ground:#14181f;--mark:#7aa2f7}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);display:grid;place-items:center;min-height:100vh;margin:0}
main{text-align:center;padding:2rem}
h1{font-size:1.25rem;font-weight:600;margin:1.5rem 0 .25rem}
p{margin:.25rem 0;color:var(--quiet);font-size:.875rem}
.bar{width:12rem;height:3px;margin:0 auto;border-radius:2px;overflow:hidden;background:color-mix(in srgb,var(--mark) 20%,transparent)}
.bar::after{content:"";display:block;width:40%;height:100%;border-radius:2px;background:var(--mark);animation:run 1.2s ease-in-out infinite}
@keyframes run{from{transform:translateX(-100%)}to{transform:translateX(250%)}}
@media (prefers-reduced-motion:reduce){.bar::after{width:100%;animation:none}}
</style>
<main role="status"><div class="bar"></div><h1>Starting ${version} …</h1><p>This page reloads by itself.</p><p><code>${requestId}</code></p></main>
</html>
`
}
