"""What Inspect loads for its entry point `proctor`: importing the tasks registers them as `proctor/<name>`."""

from .animals_or_else import animals_or_else
from .arithmetic import arithmetic
from .theory_of_mind import theory_of_mind

SHIPPED = (theory_of_mind, animals_or_else, arithmetic)
