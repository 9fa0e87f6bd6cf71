"""What every process shares. Whoever imports anything of it, or of a service, has first chosen how fast that runs."""

from shared.twins import choose

COMPILED = choose()
