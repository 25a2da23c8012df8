"""PyInstaller's hook for clockread: the exported models, and the versions for `clockread info`."""

from __future__ import annotations

from PyInstaller.utils.hooks import copy_metadata

from clockread.image_formats import PLUGINS
from clockread.runtime.manifest import EXPORTED_FOLDERS

hiddenimports = [*PLUGINS.values(), "pillow_heif"]  # imported by name when a photo needs them

datas = [(str(folder), "clockread/exported") for folder in EXPORTED_FOLDERS if folder.is_dir()][:1]
for distribution in ("numpy", "pillow", "pillow-heif", "onnxruntime", "onnxruntime-gpu"):
    try:
        datas += copy_metadata(distribution)
    except Exception:  # not installed; the error's class differs between versions
        continue
