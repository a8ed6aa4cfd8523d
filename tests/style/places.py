"""Nothing in the repository names a place of the machine it was written on: folders, hosts, addresses, people."""
import re

import tree

# Written in pieces, so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.$}])/(?:" + "|".join(["wo" + "rk", "tm" + "p", "ho" + "me", "ro" + "ot", "Use" + "rs", "mn" + "t",
                                                    "var/" + "tmp"]) + r")(?:/[\w.-]|\b(?=[\"'`\s)]|$))")
URL = re.compile(r"\b(?:https?|ftp)://(?:[^\s/@\"']*@)?(\[[^\]]*\]|[^\s/:\"'`<>(){}$,;\\]+)")
# With a port it is a place to connect to; without one it may be an example of an address.
PRIVATE = re.compile(r"(?<![\d.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}:\d")
# Hosts that are nobody's machine: loopback, names reserved for examples, and works that are cited.
PUBLIC = re.compile(r"^(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|([\w-]+\.)*example(\.(com|org|net))?|node\d*|"
                    r"([\w-]+\.)*(rfc-editor\.org|json-schema\.org|cloudevents\.io|w3\.org|openapis\.org|keepachangelog\.com|"
                    r"semver\.org|apache\.org|creativecommons\.org|archive\.ics\.uci\.edu|usgs\.gov|kernel\.org|debian\.org))$")


def check(root):
    breaches = []
    for path in tree.files(root):
        text = tree.read(root, path)
        if text is None:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            match = MACHINE.search(line)
            if match:
                breaches.append(f"{path}:{number}: names the place {match.group(0)} of a machine")
            for match in URL.finditer(line):
                if not PUBLIC.match(match.group(1).lower()):
                    breaches.append(f"{path}:{number}: names the host {match.group(1)}")
            match = PRIVATE.search(line)
            if match:
                breaches.append(f"{path}:{number}: names a place on a private network ({match.group(0)})")
    return breaches
