"""One package per process. Modules here may be compiled: `shared` chooses before the first is imported."""

import shared  # noqa: F401
