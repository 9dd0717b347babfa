"""Time-stamp tokens of the development TSA (RFC 3161), built with asn1crypto.

Owns the token and its signature (RSA PKCS#1 v1.5, SHA-256, signing-certificate-v2 as RFC 5816
wants). Leaves HTTP and misbehaviour to ``signing.devpki.server``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.devpki.certificates import Issuer

POLICY = "1.3.6.1.4.1.99999.1.1"  # a private arc: no real policy


def answer(
    request: tsp.TimeStampReq, tsa: Issuer, ca: x509.Certificate, serial: int, moment: datetime
) -> tsp.TimeStampResp:
    """Grant a time-stamp."""
    info: dict[str, object] = {
        "version": 1,
        "policy": POLICY,
        "message_imprint": request["message_imprint"],
        "serial_number": serial,
        "gen_time": moment.replace(microsecond=0),
        "accuracy": {"seconds": 1},
        "ordering": False,
    }
    if request["nonce"].native is not None:
        info["nonce"] = request["nonce"].native
    token = sign_info(tsp.TSTInfo(info).dump(), tsa, ca)
    return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})


def refuse(reason: str) -> tsp.TimeStampResp:
    """Refuse a request."""
    return tsp.TimeStampResp({"status": {"status": "rejection", "status_string": [reason]}})


def sign_info(info: bytes, tsa: Issuer, ca: x509.Certificate) -> cms.ContentInfo:
    """Put a TSTInfo into a signed CMS message."""
    der = tsa.certificate.public_bytes(Encoding.DER)
    issuer = asn1_x509.Certificate.load(ca.public_bytes(Encoding.DER))
    content = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(info),
            },
            "certificates": [asn1_x509.Certificate.load(der), issuer],
            "signer_infos": [_signer_info(info, tsa, der)],
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": content})


def _signer_info(info: bytes, tsa: Issuer, der: bytes) -> cms.SignerInfo:
    assert isinstance(tsa.key, rsa.RSAPrivateKey)
    binding = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(der).digest()})
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("message_digest", hashlib.sha256(info).digest()),
            _attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [binding]})),
        ]
    )
    certificate = asn1_x509.Certificate.load(der)
    sid = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": sid}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": tsa.key.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256()),
        }
    )


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})
