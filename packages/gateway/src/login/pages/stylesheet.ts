// The stylesheet of all pages. Classes for page authors: `.lead`, `.hint`, `.notice`, `.warning`,
// `.error`, `dl.facts`, `.code`, `.stack` (a column of buttons or forms), `.row` (buttons side by
// side), `.links` (links and `.link` buttons side by side), `.check` (the label around a checkbox),
// `.or`, `.way` (a button that leads to a provider), `ul.apps`, `.grant` (one of a list), `.foot`
// (what few people need), `.tags` (links that narrow a list), `.nb` (does not break), and on
// buttons `.quiet` (secondary), `.danger` and `.link`.

export const stylesheet = `
:root{color-scheme:light dark;--page:#f3f4f6;--outside:#3d4653;--card:#fff;--edge:#d9dde3;--text:#161b22;--soft:#525b68;--field:#fff;--field-edge:#818a97;--accent:#1f4fd8;--accent-strong:#173fb3;--on-accent:#fff;--quiet:#f3f4f6;--quiet-strong:#e6e9ee;--warn-back:#fff6dd;--warn-edge:#b98900;--warn-text:#513b00;--error-back:#fdecea;--error-edge:#c4321f;--error-text:#7a1a0d;--done-back:#dcf5e6;--done-text:#0b6b37;--shadow:0 1px 2px rgb(16 24 40/.06),0 12px 32px rgb(16 24 40/.08)}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--outside:#b4bcc8;--card:#171b22;--edge:#2c333d;--text:#eef1f5;--soft:#a9b2be;--field:#0e1116;--field-edge:#6d7785;--accent:#8fb0ff;--accent-strong:#b1c8ff;--on-accent:#0a1738;--quiet:#222832;--quiet-strong:#2d3540;--warn-back:#2d2409;--warn-edge:#d3a11c;--warn-text:#f6e0a2;--error-back:#33150f;--error-edge:#e5705f;--error-text:#ffc9c0;--done-back:#0f3020;--done-text:#7fe0ab;--shadow:0 1px 2px rgb(0 0 0/.4),0 12px 32px rgb(0 0 0/.35)}}
*,::before,::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:1.25rem;padding:2rem 1rem;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,footer{color:var(--outside);text-align:center;max-width:30rem;overflow-wrap:anywhere}
header{font-size:1.0625rem;font-weight:600;display:flex;flex-wrap:wrap;align-items:center;justify-content:center;gap:.375rem .625rem}
header p,footer p{margin:0}
header .sub{flex-basis:100%;font-size:1rem;font-weight:400}
header img{display:block;max-width:100%;max-height:3rem}
.monogram{flex:none;width:2rem;height:2rem;border-radius:.5rem;background:var(--accent);color:var(--on-accent);display:grid;place-items:center;font-weight:700}
footer{font-size:.8125rem}
main{width:100%;max-width:30rem;background:var(--card);border:1px solid var(--edge);border-radius:1rem;box-shadow:var(--shadow);padding:2rem}
h1{margin:0 0 .75rem;font-size:1.4375rem;line-height:1.25;letter-spacing:-.015em;font-weight:650;overflow-wrap:anywhere;text-wrap:balance}
.nb{white-space:nowrap}
h2{margin:1.5rem 0 .5rem;font-size:1rem;line-height:1.4}
p{margin:0 0 1rem;overflow-wrap:anywhere;text-wrap:pretty}
main>:last-child{margin-bottom:0}
.lead,.hint{color:var(--soft)}
.hint{font-size:.875rem}
a{color:var(--accent);text-underline-offset:.15em}
form{margin:0}
label,.label{display:block;margin:0 0 .375rem;font-weight:600;font-size:.9375rem}
input:not([type=hidden]):not([type=checkbox]){width:100%;min-height:2.875rem;margin:0 0 1rem;padding:.5rem .75rem;border:1px solid var(--field-edge);border-radius:.625rem;background:var(--field);color:var(--text);font:inherit}
input[aria-invalid=true]{border-color:var(--error-edge)}
input.pin{font:1.375rem/1.3 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.3em}
button,.button{display:inline-flex;align-items:center;justify-content:center;width:100%;min-height:2.875rem;padding:.5rem 1.125rem;border:1px solid transparent;border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-decoration:none;cursor:pointer;overflow-wrap:anywhere}
button:hover,.button:hover{background:var(--accent-strong)}
button.quiet,.button.quiet{background:var(--quiet);border-color:var(--edge);color:var(--text)}
button.quiet:hover,.button.quiet:hover{background:var(--quiet-strong)}
button.danger{background:transparent;border-color:var(--error-edge);color:var(--error-text)}
button.danger:hover{background:var(--error-back)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.way{justify-content:flex-start;gap:.75rem;background:var(--card);color:var(--text);border-color:var(--field-edge);text-align:start}
.way:hover{background:var(--quiet)}
.way svg{flex:none;width:1.25rem;height:1.25rem}
.way::after,ul.apps a::after{content:"";flex:none;width:.5rem;height:.5rem;margin-inline:auto .25rem;border:solid var(--soft);border-width:2px 2px 0 0;transform:rotate(45deg)}
.last-used{position:relative}
.last-used>span{position:absolute;inset-block-start:-.625rem;inset-inline-end:.75rem;padding:0 .375rem;background:var(--card);color:var(--soft);font-size:.75rem;line-height:1.25rem}
.icon{width:3rem;height:3rem;margin:0 0 1rem;border-radius:50%;display:grid;place-items:center;border:1px solid transparent}
.icon svg{width:1.5rem;height:1.5rem}
.icon.done{background:var(--done-back);color:var(--done-text)}
.icon.refused,.icon.failed{background:var(--error-back);color:var(--error-edge)}
.icon.expired{background:var(--warn-back);color:var(--warn-text)}
.icon.waiting{background:var(--quiet);color:var(--soft)}
.stack{display:flex;flex-direction:column;gap:.75rem;margin:1.25rem 0}
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}
.row>*{flex:1 1 9rem}
form .row:last-child{margin-bottom:0}
label.check{display:grid;grid-template-columns:auto 1fr;gap:.625rem;margin:0;font-weight:500}
label.check input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;accent-color:var(--accent)}
.or{display:flex;align-items:center;gap:.75rem;margin:1.25rem 0;color:var(--soft);font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--edge)}
.notice,.warning,.error{margin:0 0 1rem;padding:.625rem .875rem;font-size:.9375rem;line-height:1.45;border:1px solid var(--edge);border-inline-start-width:4px;border-radius:.5rem;background:var(--quiet)}
.warning{background:var(--warn-back);border-color:var(--warn-edge);color:var(--warn-text)}
.error{background:var(--error-back);border-color:var(--error-edge);color:var(--error-text)}
.notice>:last-child,.warning>:last-child,.error>:last-child{margin-bottom:0}
dl.facts{margin:1rem 0;display:grid;grid-template-columns:minmax(5rem,auto) 1fr;gap:.25rem 1rem;font-size:.9375rem}
dl.facts dt{color:var(--soft)}
dl.facts dd{margin:0;overflow-wrap:anywhere;min-width:0}
dl.facts strong{color:var(--text)}
dl.facts small{color:var(--soft);font-size:inherit}
.code{display:block;margin:0 0 .5rem;padding:.625rem;border-radius:.625rem;background:var(--quiet);border:1px solid var(--edge);text-align:center;font:600 2rem/1.2 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em}
ul.apps{list-style:none;margin:1.25rem 0;padding:0;display:flex;flex-direction:column;gap:.5rem}
ul.apps a,ul.apps .app{display:flex;align-items:center;gap:.75rem;padding:.625rem .75rem;border:1px solid var(--field-edge);border-radius:.625rem;color:var(--text);text-decoration:none}
ul.apps a:hover{background:var(--quiet)}
ul.apps img{flex:none;width:2rem;height:2rem;object-fit:contain;border-radius:.375rem}
.tags{display:flex;flex-wrap:wrap;gap:.5rem 1rem;margin:1.25rem 0 0}
.tags [aria-current]{color:var(--text);font-weight:600;text-decoration:none}
ul.apps .name{display:block;font-weight:600;overflow-wrap:anywhere}
ul.apps small{display:block;color:var(--soft);font-size:.875rem;overflow-wrap:anywhere}
.grant+.grant{margin-top:1.25rem;padding-top:.25rem;border-top:1px solid var(--edge)}
.foot{margin:1.25rem 0 0;padding-top:1rem;border-top:1px solid var(--edge);color:var(--soft);font-size:.875rem}
.foot p{margin:0 0 .5rem}
.link{width:auto;min-height:1.5rem;padding:0;border:0;border-radius:.25rem;background:none;color:var(--accent);font-weight:500;text-align:start;text-decoration:underline;text-underline-offset:.15em}
.link:hover{background:none;color:var(--accent-strong)}
.links{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.75rem 1rem;margin:1.25rem 0 0;font-size:.9375rem}
.ray{margin:1.5rem 0 0;padding-top:1rem;border-top:1px solid var(--edge);color:var(--soft);font-size:.8125rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.95em;overflow-wrap:anywhere}
@media (max-width:30rem){body{justify-content:flex-start;gap:1rem;padding:1rem .75rem}main{padding:1.25rem}h1{font-size:1.3125rem}header{font-size:1rem}.hint,dl.facts{font-size:.875rem}dl.facts{margin:.75rem 0;gap:.1875rem .75rem}.warning,.notice,.error{padding:.5rem .75rem;font-size:.875rem;margin-bottom:.75rem}.code{font-size:1.75rem}.row{margin:1rem 0}}
@media (max-width:22rem){dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin:0 0 .375rem}}
@media (prefers-reduced-motion:no-preference){button,.button{transition:background-color .12s}}
@media (forced-colors:active){main,button:not(.link),.button,.monogram,.icon{border:1px solid}}
`
  .trim()
  .replaceAll("\n", "");
