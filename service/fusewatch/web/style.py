"""How the page looks: one style sheet inside it, allowed by its hash, for light and dark, desk and phone."""

import base64
import hashlib

from fusewatch.web.html import Markup

CSS = Markup("""
:root{color-scheme:light dark;--bg:#fbfbfa;--fg:#1d1f21;--dim:#62676c;--line:#e2e3e1;--track:#ecedeb;--ok:#7b8794;
--info:#3b6ea5;--warning:#a8660a;--critical:#b3261e;--mark:#1d1f21}
@media(prefers-color-scheme:dark){:root{--bg:#16181a;--fg:#e4e6e7;--dim:#9aa0a6;--line:#2c3033;--track:#25292c;
--ok:#7d8a96;--info:#7fb0e6;--warning:#e0a146;--critical:#f2857c;--mark:#e4e6e7}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
font-variant-numeric:tabular-nums}
main,header,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.5rem}
h1{font-size:.95rem;font-weight:600;color:var(--dim);margin:0}
.verdict{font-size:1.4rem;font-weight:600;line-height:1.3;margin:.15rem 0 0}
h2{font-size:.95rem;font-weight:600;margin:2.2rem 0 .5rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h2 small,.dim{color:var(--dim);font-weight:400}
small{font-size:.85rem}
ul{list-style:none;margin:0;padding:0}
bdi{overflow-wrap:anywhere}
.item{padding:.45rem 0;border-bottom:1px solid var(--line)}
.item:last-child{border-bottom:0}
.mark{display:inline-block;width:1.3em;font-weight:600}
.info{color:var(--info)}.warning{color:var(--warning)}.critical{color:var(--critical)}
summary{cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary::after{content:" …";color:var(--dim)}
details p{margin:.3rem 0 .3rem 1.3em;color:var(--dim);font-size:.9rem;overflow-wrap:anywhere}
.bars{display:grid;grid-template-columns:minmax(9rem,19rem) minmax(8rem,1fr) auto auto;gap:.6rem 1rem;
align-items:center}
.bars li{display:grid;grid-column:1/-1;grid-template-columns:subgrid;align-items:center;row-gap:.1rem}
.bars .name{grid-row:1/3;align-self:start}
.sum{text-align:right;white-space:nowrap}
.share{text-align:right;min-width:4.5em}
.more{font-size:.85rem;color:var(--dim);grid-column:2/-1}
svg{display:block;width:100%;height:14px;color:var(--ok)}
svg.info{color:var(--info)}svg.warning{color:var(--warning)}svg.critical{color:var(--critical)}
.track{fill:var(--track)}.pace{fill:currentColor;opacity:.3}.spent{fill:currentColor}.limit{fill:var(--mark)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem 1rem .3rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
td bdi{display:inline-block;min-width:4.5rem}
th{font-size:.85rem;font-weight:400;color:var(--dim)}
th.n,td.n{text-align:right;white-space:nowrap;padding-right:0;padding-left:1rem}
footer{color:var(--dim);font-size:.85rem;padding-top:2rem;padding-bottom:2rem}
a{color:inherit}
@media(max-width:42rem){
.bars{grid-template-columns:1fr auto}
.bars .name{grid-row:1}.bars .bar{grid-column:1/-1;grid-row:2}
.bars .sum{display:none}.bars .more{grid-column:1/-1}
}
@media(min-width:42.01rem){.more .sum-small{display:none}}
""")

CSS_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
"""The style sheet as a Content-Security-Policy names it."""
