"""PyInstaller's hook for clockread: models, the page, and the versions for `clockread info`."""

from __future__ import annotations

from PyInstaller.utils.hooks import copy_metadata

from clockread.image_formats import HEIC_LIBRARIES, PLUGINS
from clockread.page.site import EXAMPLE_FOLDERS, EXAMPLES, WEB_FOLDERS
from clockread.runtime.manifest import EXPORTED_FOLDERS

hiddenimports = [*PLUGINS.values(), *HEIC_LIBRARIES]  # imported by name when a photo needs them

datas = [(str(folder), "clockread/exported") for folder in EXPORTED_FOLDERS if folder.is_dir()][:1]
datas += [(str(folder), "clockread/web") for folder in WEB_FOLDERS if folder.is_dir()][:1]
datas += [
    (str(folder / name), "clockread/web/examples")
    for name in EXAMPLES
    for folder in EXAMPLE_FOLDERS
    if (folder / name).is_file()
][: len(EXAMPLES)]
for distribution in ("numpy", "pillow", "pillow-heif", "pi-heif", "onnxruntime", "onnxruntime-gpu"):
    try:
        datas += copy_metadata(distribution)
    except Exception:  # not installed; the error's class differs between versions
        continue
