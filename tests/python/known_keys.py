"""Loaded by Schemathesis: keys of the test in place of invented ones.

A key's name is a digest, so none that is made up is ever one of the token's: without this nothing
but refusals would be seen. `CLAVIGER_KIDS` has the names of the keys that the bearer token may use,
separated by spaces. What has not the form of a name stays as it was made up, and so do every fourth
name, as 403 and 406 are described too, and what is to be deleted.
"""

import os
import re

import schemathesis

KEYS = os.environ["CLAVIGER_KIDS"].split()
NAME = re.compile("[0-9A-Fa-f]{32}", re.ASCII)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts keys of the test into the body and the path, and takes a wipeout out."""
    if isinstance(case.body, dict) and case.body.get("wipeout") is True:
        del case.body["wipeout"]
    if case.method == "DELETE":
        return
    for members in (case.body, case.path_parameters):
        if isinstance(members, dict):
            for name in ("kid", "ext_kid"):
                if name in members:
                    members[name] = known(members[name], case)


def known(name, case):
    """One of the keys, the same for the same name at the same operation."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return name
    number = int(name, 16) + sum(case.operation.label.encode())
    return name if number % 4 == 3 else KEYS[number % len(KEYS)]
