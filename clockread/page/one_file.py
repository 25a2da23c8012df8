"""The page as one HTML file, which reads clocks without a server or a network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from clockread.errors import PageError, one_line
from clockread.page.site import INDEX, page_files, write_file
from clockread.runtime.manifest import SMALL

RUNTIME = "runtime/ort.wasm.bundle.min.mjs"
TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) )", re.MULTILINE)
_MODULE = '<script type="module" src="main.js"></script>\n'
_STYLE = re.compile(r'<link rel="stylesheet" href="([\w-]+\.css)">\n')
_ICON = re.compile(r'<link rel="icon"[^>]*>\n<link rel="manifest"[^>]*>\n')
_POLICY = re.compile(r'(?<=<meta http-equiv="Content-Security-Policy" content=")[^"]*')


def write_one_file(path: Path, runtime: Path | None = None) -> int:
    """Write the page as one HTML file, with the model `small` only, and return its size in bytes.

    Raises ClockreadError if a part is missing, the path is one of a folder, or the file cannot be
    written.
    """
    if path.is_dir():
        raise PageError(f"{one_line(str(path))}: a folder; name an HTML file")
    models = {"live": SMALL, "still": SMALL, "hands": SMALL}
    data = joined(page_files(models, runtime), models).encode()
    write_file(path, data)
    return len(data)


def joined(files: Mapping[str, bytes], models: Mapping[str, str]) -> str:
    """Return the page's files as one document; large ones are compressed into it."""
    html = files[INDEX].decode()
    for use, model in models.items():
        html = re.sub(rf'data-{use}="\w+"', f'data-{use}="{model}"', html, count=1)
    styles = "".join(files[name].decode() for name in _STYLE.findall(html))
    script = bundled(files, "main.js")
    html = _ICON.sub("", _STYLE.sub("", html)).replace(_MODULE, "")
    html = _POLICY.sub(_policy(script, styles), html)
    large = {name: data for name, data in files.items() if "/" in name}
    runtime = _as_global(large.pop(RUNTIME).decode())
    large["worker.js"] = f"{runtime}{bundled(files, 'worker.js')}".encode()
    embedded = "".join(_embedded(name, data) for name, data in sorted(large.items()))
    head, tail = f"<style>{styles}</style>\n</head>", f"{embedded}{_script(script)}</body>"
    return html.replace("</head>", head).replace("</body>", tail)


def bundled(files: Mapping[str, bytes], main: str) -> str:
    """Return a module and all that it imports as one script.

    The page's modules import only each other, by name, and their names differ from each other.
    """
    order: list[str] = []

    def visit(name: str) -> None:
        for imported in _IMPORT.findall(files[name].decode()):
            if imported not in order:
                visit(imported)
        if name not in order:
            order.append(name)

    visit(main)
    return "".join(_EXPORT.sub("", _IMPORT.sub("", files[name].decode())) for name in order)


def _as_global(module: str) -> str:
    """Return onnxruntime-web's module as a script that sets the global `ort`.

    In a document without an origin, such as a file, a worker can import no module.
    """
    body, _, exported = module.partition("export{")
    exports = re.findall(r"(\w+) as (\w+)", exported.partition("}")[0])
    names = ",".join(f"{public}:{private}" for private, public in exports)
    body = body.replace("import.meta.url", "self.location.href")
    return f"self.ort=(()=>{{{body}return{{{names}}}}})();\n"


def _script(text: str) -> str:
    return f'<script type="module">{text}</script>\n'


def _embedded(name: str, data: bytes) -> str:
    packed = base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
    kind = TYPES.get(Path(name).suffix, "application/octet-stream")
    return f'<script type="text/plain" data-file="{name}" data-type="{kind}">{packed}</script>\n'


def _policy(script: str, styles: str) -> str:
    """Return a security policy that allows this script and no connection to any host."""
    own, look = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (script, styles)
    )
    return (
        f"default-src 'none'; script-src {own} blob: 'wasm-unsafe-eval'; worker-src blob:; "
        f"connect-src blob:; style-src {look}; img-src blob:; base-uri 'none'; form-action 'none'"
    )
