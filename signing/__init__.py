"""PDF signatures: sign, inspect, validate, attest. Knows no dossier and no database.

The doors: ``contract`` (what callers speak, ``Signatures`` above all; ``key_config`` is its part
about keys), ``pool`` (for a server: the
service in killable processes, run by ``signer_process``), ``service`` (the same in this process).
``attestation`` makes the page of a certified copy; ``clock`` is the system's time for processes of
our own.

``remote_service`` and ``hand_off`` are for keys that are confirmed elsewhere.

The rooms: ``keys`` opens keys · ``evidence`` gathers chain, revocation and time · ``appearance``
plans what shows and where · ``lane`` writes plain documents fast, ``pades`` all others and proves
both · ``inspection`` looks before signing · ``validation`` judges afterwards · ``preservation``
appends proof later · ``reading`` opens strangers' files for all of them · ``commands`` stands
behind the command line · ``devpki`` plays the authorities and providers in development ·
``fonts`` are the files that drawing needs.

Arrows run one way: commands → service → appearance → pades, lane → evidence, keys; service →
inspection, validation, preservation → reading. Importing ``contract`` or ``pool`` loads neither
pyHanko nor cryptography.
"""
