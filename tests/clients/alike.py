"""Whether answers that are to be alike are, and whether how long they take tells them apart.

`compare` asks in each way once a round, in an order of its own each time, so that what the machine does
meanwhile meets all of them. What it finds of times is a statistic to look at; that the answers are the same
is what a test can hold on to.
"""

import json
import math
import random
import statistics
import time

# They differ between any two answers.
APART = ("audit-index", "date")


def compare(ways, rounds, between=lambda: None):
    """The faces of the answers with who got them, and the times.

    `ways` has by its name a function that prepares a request, and gives another one that sends it.
    """
    times, faces, names = {name: [] for name in ways}, {}, list(ways)
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            send = ways[name]()
            began = time.perf_counter()
            reply = send()
            times[name].append(time.perf_counter() - began)
            faces.setdefault(face(reply), set()).add(name)
        between()
    return {shown: sorted(who) for shown, who in faces.items()}, times


def face(reply):
    """All of an answer but what differs between any two."""
    headers = sorted((k.lower(), v) for k, v in reply.headers.items() if k.lower() not in APART)
    text = reply.text
    try:
        body = json.loads(text)
        if isinstance(body, dict) and body.pop("timestamp", None):
            text = json.dumps(body)
    except ValueError:
        pass
    return json.dumps([reply.status_code, text, headers])


def told(times):
    """What there is to say of the times; the first way is what the others are held against."""
    h, p = kruskal_wallis(list(times.values()))
    first, *_ = times
    medians = {name: statistics.median(values) * 1e6 for name, values in times.items()}
    apart = {name: medians[name] - medians[first] for name in times if name != first}
    return {
        "kruskal-wallis": {"h": round(h, 2), "p": round(p, 4)},
        "median us": round(medians[first], 1),
        "largest difference us": round(max(map(abs, apart.values())), 1),
        "differences us": {name: round(value, 1) for name, value in apart.items()},
        "how often longer": {name: round(longer(times[name], times[first]), 3) for name in apart},
    }


def kruskal_wallis(groups):
    """H and its probability by chance, with as many degrees of freedom as groups but one."""
    ranked = sorted((value, which) for which, group in enumerate(groups) for value in group)
    sums, total = [0.0] * len(groups), len(ranked)
    for rank, (_, which) in enumerate(ranked, 1):
        sums[which] += rank
    parts = (s * s / len(group) for s, group in zip(sums, groups))
    h = 12 / (total * (total + 1)) * sum(parts) - 3 * (total + 1)
    # The upper incomplete gamma function of an integer or half of one.
    a, x = (len(groups) - 1) / 2, h / 2
    term = series = math.exp(-x + a * math.log(x) - math.lgamma(a + 1)) if x > 0 else 0.0
    for n in range(1, 1000):
        term *= x / (a + n)
        series += term
    return h, max(0.0, 1 - series)


def longer(these, those):
    """How often one of these is larger than one of those: Mann and Whitney's U as a part of all pairs,
    0.5 where nothing tells them apart."""
    ranked = sorted([(value, 0.0) for value in those] + [(value, 1.0) for value in these])
    smaller = larger = 0.0
    for _, is_this in ranked:
        smaller += 1 - is_this
        larger += smaller * is_this
    return larger / (len(these) * len(those))
