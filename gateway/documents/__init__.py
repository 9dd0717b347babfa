"""Result documents: uploaded, inspected, signed in order by the people the portal names."""

from gateway.documents import problems as problems  # registers this capability's problem codes
