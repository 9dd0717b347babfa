"""Result documents: taken in, looked at, signed by officials in order, kept provable.

The desk itself is here: documents (``service``), signature requests (``requests``), the act of
signing one step (``acts``, ``steps``). What a province adds to it has rooms of its own:
``authority`` says who may sign · ``confirmations`` waits for keys confirmed elsewhere · ``batches``
signs many under one confirmation · ``evidence`` keeps what each act leaves · ``preservation`` keeps
documents provable.
"""

from gateway.documents import problems as problems  # registers this capability's problem codes
