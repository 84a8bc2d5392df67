"""The plot: docs/benchmark.svg, readable on a light and on a dark page."""

from html import escape
from math import log10

from .contenders import TITLES
from .results import Results
from .work import WORK

_WIDTH, _LABELS, _RIGHT = 960, 190, 70
_BAR, _GAP, _TOP = 13, 14, 84
_COLOURS = {"sqlalchemy": "#9a8c98", "postgrest": "#e09f3e", "adapter-postgrest": "#3a86c8", "adapter-postgres": "#2a9d6f"}
_STYLE = """\
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 13px; fill: #24292f }
.small { font-size: 11px } .title { font-size: 16px; font-weight: 600 } .grid { stroke: #d0d7de }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #3d444d } }
"""


def plot(results: Results) -> str:
    """Requests per second at the middle size: one bar for each contender, on a logarithmic scale."""
    tasks = results.measured_sizes[len(results.measured_sizes) // 2]
    found = {
        work: [(name, each.per_second) for name in _COLOURS if (each := results.find(tasks, name, work.name))]
        for work in WORK.values()
    }
    found = {work: bars for work, bars in found.items() if bars}
    speeds = [speed for bars in found.values() for _, speed in bars]
    first, last = int(log10(min(speeds))), int(log10(max(speeds))) + 1
    scale = (_WIDTH - _LABELS - _RIGHT) / (last - first)

    def x(speed: float) -> float:
        return _LABELS + (log10(speed) - first) * scale

    height = _TOP + sum(len(bars) * _BAR + _GAP for bars in found.values()) + 20
    size = f'viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Requests per second with {tasks:,} tasks">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LABELS}" y="24">Requests per second, {tasks:,} tasks, logarithmic scale</text>',
    ]
    for place, name in enumerate(name for name in _COLOURS if any(name == other for bars in found.values() for other, _ in bars)):
        left = _LABELS + place * 185
        parts.append(f'<rect x="{left}" y="38" width="12" height="12" rx="2" fill="{_COLOURS[name]}"/>')
        parts.append(f'<text x="{left + 18}" y="49">{escape(TITLES[name])}</text>')
    for power in range(first, last + 1):
        at = x(10**power)
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="{_TOP - 8}" x2="{at:.1f}" y2="{height - 12}"/>')
        parts.append(f'<text class="small" x="{at:.1f}" y="{_TOP - 13}" text-anchor="middle">{10**power:,}</text>')
    top: float = _TOP
    for work, bars in found.items():
        middle = top + len(bars) * _BAR / 2 + 4
        parts.append(f'<text x="{_LABELS - 12}" y="{middle:.1f}" text-anchor="end">{escape(work.title)}</text>')
        for name, speed in bars:
            width = max(x(speed) - _LABELS, 1)
            parts.append(
                f'<rect x="{_LABELS}" y="{top:.1f}" width="{width:.1f}" height="{_BAR - 2}" rx="2" fill="{_COLOURS[name]}"/>'
            )
            parts.append(f'<text class="small" x="{_LABELS + width + 5:.1f}" y="{top + _BAR - 3:.1f}">{speed:,.0f}</text>')
            top += _BAR
        top += _GAP
    return "\n".join([*parts, "</svg>"]) + "\n"
