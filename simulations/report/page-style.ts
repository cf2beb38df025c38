/** The page around the picture; its colours are those of the picture. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: #ffffff; --words: #1f2328; --faint: #68707a; --box: #f1f4f7;
  --alarm: #cf222e; --alarm-back: #fff0ef; --amber: #a35a00; --violet: #5b45c4; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1117; --words: #e6edf3; --faint: #8d96a0; --box: #1c2129;
    --alarm: #ff7b72; --alarm-back: #2b1214; --amber: #f0b35a; --violet: #b6a4ff; }
}
body { background: var(--page); color: var(--words); margin: 24px; line-height: 1.45;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { color: var(--alarm); font-size: 24px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 28px 0 8px; }
p { margin: 6px 0; max-width: 110ch; overflow-wrap: anywhere; }
pre { background: var(--box); padding: 10px 14px; border-radius: 6px; max-width: 110ch; white-space: pre-wrap;
  overflow-wrap: anywhere; box-sizing: border-box; }
pre, code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
.alarm { background: var(--alarm-back); color: var(--alarm); }
.lanes { position: sticky; top: 0; width: max-content; }
svg { display: block; }
ul { padding-left: 20px; }
.plan { list-style: none; padding: 0; margin: 6px 0; }
.plan li { display: grid; grid-template-columns: 8.5em 4em minmax(0, 90ch); gap: 12px; padding: 2px 0;
  overflow-wrap: anywhere; }
.plan code { color: var(--faint); }
li.fault span { color: var(--amber); }
li.operation span { color: var(--violet); }
details { margin: 6px 0; } summary { cursor: pointer; color: var(--faint); }
`
