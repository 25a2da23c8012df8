"""Errors that a caller can act on; each message is one line: what, which file, what to do."""


class ClockreadError(Exception):
    """Base class of every error that clockread raises on purpose."""


class ImageError(ClockreadError, ValueError):
    """A photo that cannot be read: missing, damaged, empty, too large or not a photo at all."""


class ModelError(ClockreadError, RuntimeError):
    """A model file that is missing, damaged or of another version than the manifest says."""


class ProviderError(ClockreadError, RuntimeError):
    """An execution provider that was asked for by name and is not usable here."""


class RuntimeMissingError(ClockreadError, ImportError):
    """No onnxruntime is installed; the message names the extra that brings it."""
