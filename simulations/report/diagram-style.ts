/** Light and dark as the reader has it; every colour is named once. */
export const DIAGRAM_STYLE = `
svg { --back: #ffffff; --ink: #1f2328; --dim: #68707a; --line: #c3c9d1; --head: #f1f4f7;
  --packet: #0a66b7; --lease: #17713a; --operation: #5b45c4; --step: #96309b; --fault: #a35a00;
  --shade: #f2a93b; --bad: #cf222e; --bad-back: #fff0ef;
  font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; }
@media (prefers-color-scheme: dark) {
  svg { --back: #0d1117; --ink: #e6edf3; --dim: #8d96a0; --line: #3d444d; --head: #1c2129;
    --packet: #6cb6ff; --lease: #57c878; --operation: #b6a4ff; --step: #e29be6; --fault: #f0b35a;
    --shade: #bb7a1c; --bad: #ff7b72; --bad-back: #2b1214; }
}
.back { fill: var(--back); }
text { fill: var(--ink); }
.label, .note { paint-order: stroke; stroke: var(--back); stroke-width: 4px; stroke-linejoin: round; }
svg text.time { fill: var(--dim); font-weight: 400; font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 11px; }
.title { font-size: 15px; font-weight: 600; }
.subtitle, .quiet { fill: var(--dim); }
.quiet { font-style: italic; }
.head rect { fill: var(--head); stroke: var(--line); }
.head text { font-weight: 600; text-anchor: middle; }
.head .role { font-weight: 400; fill: var(--dim); font-size: 11px; }
.life { stroke: var(--line); stroke-width: 1.5; }
.down { stroke: var(--line); stroke-width: 1.5; stroke-dasharray: 2 5; }
.skip { stroke: var(--dim); stroke-width: 1.2; fill: none; }
.gap { stroke: var(--line); stroke-dasharray: 1 4; }
.erase { fill: var(--back); }
.arrow { stroke-width: 1.4; fill: none; stroke: var(--ink); }
.tip { fill: var(--ink); }
.packet .arrow { stroke: var(--packet); } .packet .tip, .packet text { fill: var(--packet); }
.lease .dot { fill: var(--lease); } .lease text { fill: var(--lease); font-weight: 600; }
.operation .dot { fill: var(--operation); } .operation text { fill: var(--operation); }
.operation .arrow { stroke: var(--operation); } .operation .tip { fill: var(--operation); }
.step .dot { fill: var(--step); } .step .cross { stroke: var(--step); } .step text { fill: var(--step); }
.fault text, .faults text { fill: var(--fault); }
.fault .dot { fill: var(--fault); }
.lost .arrow { stroke: var(--fault); stroke-dasharray: 5 3; } .lost .cross { stroke: var(--fault); }
.lost text { fill: var(--fault); }
.flying .arrow { stroke-dasharray: 2 3; }
.cross { stroke-width: 2.4; stroke-linecap: round; fill: none; }
.shade { fill: var(--shade); opacity: 0.22; }
.bar { fill: var(--shade); opacity: 0.75; }
.leader { stroke: var(--shade); stroke-width: 1; stroke-dasharray: 2 2; }
.violation line { stroke: var(--bad); stroke-width: 2.5; }
.told { white-space: pre; }
.violation rect { fill: var(--bad-back); stroke: var(--bad); }
.violation text { fill: var(--bad); } .violation .law { font-weight: 700; font-size: 14px; }
.dot { fill: var(--ink); }
`
