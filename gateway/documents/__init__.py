"""Result documents: uploaded, inspected, signed in order by the people the portal names."""
