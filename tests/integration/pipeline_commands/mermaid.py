"""The part of Mermaid's flowchart grammar that a picture of a pipeline needs; anything else is an error."""
import re

TEXT = r'"(?:[^"#]|#(?:quot|lt|gt|amp|\d+);)*"'
NODE = re.compile(rf'  (n\d+)(?:\(\[({TEXT})\]\)|\[\(({TEXT})\)\]|\[/({TEXT})/\]|\{{\{{({TEXT})\}}\}}|\[({TEXT})\])$')
EDGE = re.compile(rf"  (n\d+) (?:-->|-\.->)(?:\|{TEXT}\|)? (n\d+)$")
ENTITY = {"#quot;": '"', "#lt;": "<", "#gt;": ">", "#amp;": "&"}


def plain(text):
    return re.sub(r"#(?:quot|lt|gt|amp);|#(\d+);", lambda m: chr(int(m.group(1))) if m.group(1) else ENTITY[m.group(0)], text)


def parse(text):
    """({node id: first line of its text}, [(from, to)]). Raises ValueError with the line that is not Mermaid."""
    lines = text.split("\n")
    if lines[0] != "flowchart TD" or lines[-1] != "":
        raise ValueError(f"not a flowchart: {lines[0]!r} … {lines[-1]!r}")
    nodes, edges = {}, []
    for line in lines[1:-1]:
        node, edge = NODE.match(line), EDGE.match(line)
        if node and not edges and node.group(1) not in nodes:
            inside = next(group for group in node.groups()[1:] if group is not None)[1:-1]
            nodes[node.group(1)] = plain(inside.split("<br/>")[0])
        elif edge and edge.group(1) in nodes and edge.group(2) in nodes:
            edges.append(edge.groups())
        else:
            raise ValueError(f"not a line of a flowchart: {line!r}")
    return nodes, edges
