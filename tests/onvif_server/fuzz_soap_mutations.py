"""What the fuzzer starts from, and how it changes a request without losing its form."""

from __future__ import annotations

import random
import re
from pathlib import Path

from onvif_host import ACCOUNTS
from onvif_soap_client import envelope, username_token
from sample_requests import REQUESTS, SPARE_PROFILE, body

from onvif_server.soap import names
from onvif_server.soap.values import xml_time

PREPARATIONS = (body("tptz:SetPreset"), SPARE_PROFILE, "<tev:CreatePullPointSubscription/>")
VALUES = [
    *("", "0", "-1", "1", "2147483648", "-9223372036854775809", "1e308", "-1e-308", "NaN", "INF", "-INF", "true", "x"),
    *("PT0S", "-PT1S", "P99999999999Y", "P1M", "PT1e9S", "2020-01-01T00:00:00Z", "0000-01-01T00:00:00", "9999-12-31"),
    *("yard", "dome", "dome-profile", "yard-profile", "p1", "spare", "tour", "home", "RTSP", "Wiper|On", "tt:Wiper|On"),
    *("//.", "tns1:RuleEngine//.|tns1:VideoSource//.", "tns1:", ":", "boolean(//tt:SimpleItem[@Name='a'])", "//*"),
    *("a" * 300, "\u00e4\U0001f600", "&#0;", "&#x10ffff;", "&lt;", "<![CDATA[]]>", "  ", "../../../etc/passwd"),
    *("http://[::1", "mqtt://127.0.0.1:99999", "onvif://www.onvif.org/x", "256.256.256.256", "::", "%00", "\x7f"),
]
_TAG = re.compile(rb"(<[^<>]*>)")
_NAME = re.compile(rb"</?([\w.:-]+)")
_ATTRIBUTE = re.compile(rb"""([\w:.-]+)=("[^"]*"|'[^']*')""")


class Mutations:
    """The corpus, the dictionary and the structural changes."""

    def __init__(self) -> None:
        self._fragments = [
            part.encode()
            for name, content in REQUESTS.items()
            for part in (body(name), *re.findall(r"<([\w:]+)[^>]*>[^<]*</\1>", content))
            if part.startswith("<")
        ]
        self._fragments += [f"<{name}/>".encode() for name in REQUESTS]
        self._names = sorted({name for text in self._fragments for name in _NAME.findall(text)})
        self._values = [value.encode() for value in VALUES]
        # Other texts in the right places reach most.
        self._changes = (
            *(self._text,) * 4,
            *(self._attribute,) * 2,
            *(self._rename, self._remove, self._repeat, self._put),
        )

    def write(self, corpus: Path, dictionary: Path) -> None:
        """Writes the first inputs, a file each, and the words that libFuzzer may put in."""
        for number, name in enumerate(REQUESTS):
            (corpus / f"{number:03d}").write_bytes(b"\x00" + envelope(body(name)).encode())
        token = username_token("admin", ACCOUNTS["admin"].password, xml_time(1_700_000_000.0), b"n" * 16)
        (corpus / "token").write_bytes(b"\x01" + envelope("<tds:GetUsers/>", token).encode())
        digest = (
            'Digest username="admin", realm="ONVIF", nonce="x", uri="/onvif/device_service", qop=auth, '
            'nc=00000001, cnonce="y", response="00000000000000000000000000000000"\n'
        )
        (corpus / "digest").write_bytes(b"\x02" + digest.encode() + envelope("<tds:GetUsers/>").encode())
        addressed = "<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:Action s:mustUnderstand='1'>x</wsa:Action>"
        (corpus / "addressed").write_bytes(b"\x00" + envelope("<tds:GetHostname/>", addressed).encode())
        words = [*self._names, *(namespace.encode() for namespace in names.PREFIXES.values()), *self._values]
        lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in words if 0 < len(word) <= 64)
        dictionary.write_text("".join(f'"{line}"\n' for line in lines))

    def mutate(self, data: bytes, chance: random.Random) -> bytes | None:
        """A changed input with tags that still match as far as they did; None to have single bytes changed."""
        if chance.random() < 0.25:
            return None
        parts = _TAG.split(data)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            if len(parts) < 3:
                return None
            chance.choice(self._changes)(parts, chance)
        return b"".join(parts)

    def _text(self, parts: list[bytes], chance: random.Random) -> None:
        # Only the first part holds the byte that is no text.
        parts[chance.randrange(2, len(parts), 2)] = chance.choice(self._values)

    def _attribute(self, parts: list[bytes], chance: random.Random) -> None:
        at = chance.randrange(1, len(parts), 2)
        found = list(_ATTRIBUTE.finditer(parts[at]))
        value = b'"' + chance.choice(self._values).replace(b"<", b"").replace(b'"', b"") + b'"'
        if found:
            one = chance.choice(found)
            parts[at] = parts[at][: one.start(2)] + value + parts[at][one.end(2) :]
        elif not parts[at].startswith(b"</"):
            name = chance.choice((b"token", b"Name", b"space", b"Dialect", b"Type", b"PropertyOperation"))
            parts[at] = _NAME.sub(lambda begin: begin.group() + b" " + name + b"=" + value, parts[at], count=1)

    def _rename(self, parts: list[bytes], chance: random.Random) -> None:
        begin, end = self._element(parts, chance)
        new = chance.choice(self._names)
        for at in {begin, end}:
            parts[at] = _NAME.sub(lambda found: found.group()[: -len(found.group(1))] + new, parts[at], count=1)

    def _remove(self, parts: list[bytes], chance: random.Random) -> None:
        begin, end = self._element(parts, chance)
        parts[begin : end + 1] = [b""]
        # Texts and tags must go on in turns.
        self._join(parts, begin)

    def _repeat(self, parts: list[bytes], chance: random.Random) -> None:
        begin, end = self._element(parts, chance)
        copy = b"".join(parts[begin : end + 1])
        parts[end + 1] = copy * chance.choice((1, 1, 2, 30)) + parts[end + 1]
        parts[:] = _TAG.split(b"".join(parts))

    def _put(self, parts: list[bytes], chance: random.Random) -> None:
        at = chance.randrange(2, len(parts), 2)
        parts[at] = chance.choice(self._fragments)
        parts[:] = _TAG.split(b"".join(parts))

    @staticmethod
    def _join(parts: list[bytes], at: int) -> None:
        parts[at - 1 : at + 2] = [b"".join(parts[at - 1 : at + 2])]

    @staticmethod
    def _element(parts: list[bytes], chance: random.Random) -> tuple[int, int]:
        """The places of an element's two tags, the same one where it has no end."""
        begin = chance.randrange(1, len(parts), 2)
        depth = 0
        for at in range(begin, len(parts), 2):
            tag = parts[at]
            depth += -1 if tag.startswith(b"</") else 0 if tag.endswith(b"/>") else 1
            if depth <= 0:
                return begin, at
        return begin, begin
