#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A strict reader of OpenMetrics 1.0 text (OpenMetrics specification, "Text format"), of the types that we use:

	families = openmetrics.parse(text)     # MetricsError says the line and what is wrong
	families["leadglass_wall_up"].samples[()] == 1

Run by itself it checks standard input or the files it is given."""
import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
SUFFIXES = {"counter": ("_total",), "gauge": ("",)}


class MetricsError(Exception):
	pass


class Family:
	def __init__(self, name):
		self.name, self.type, self.unit, self.help = name, None, None, None
		self.samples = {}  # ((label, value), ...) -> number


def _unescape(text, quotes):
	"""Escapes are \\\\, \\n and, in label values and help, \\"."""
	out, at = [], 0
	while at < len(text):
		if text[at] == "\\":
			if text[at:at + 2] not in ("\\\\", "\\n", '\\"'):
				raise MetricsError(f"unknown escape {text[at:at + 2]!r}")
			out.append({"\\": "\\", "n": "\n", '"': '"'}[text[at + 1]])
			at += 2
			continue
		if quotes and text[at] == '"':
			raise MetricsError("a quote that is not escaped")
		out.append(text[at])
		at += 1
	return "".join(out)


def _labels(text):
	"""The labels at the start of `text`, "{" included; ((name, value), ...) and the rest."""
	labels, rest = [], text[1:]
	while not rest.startswith("}"):
		if labels:
			if not rest.startswith(","):
				raise MetricsError(f"a comma or a brace has to stand before {rest!r}")
			rest = rest[1:]
		found = LABEL.match(rest)
		if not found or not rest[found.end():].startswith('="'):
			raise MetricsError(f"no label at {rest!r}")
		value = re.match(r'((?:[^"\\\n]|\\.)*)"', rest[found.end() + 2:])
		if not value:
			raise MetricsError(f"the value of label {found[0]} does not end")
		if found[0] in (name for name, _ in labels):
			raise MetricsError(f"label {found[0]} is there twice")
		if found[0].startswith("__"):
			raise MetricsError(f"label {found[0]} is reserved")
		labels.append((found[0], _unescape(value[1], True)))
		rest = rest[found.end() + 2 + value.end():]
	return tuple(labels), rest[1:]


def _meta(line, families, current):
	"""# TYPE, # UNIT, # HELP: they precede the samples of their family, each once."""
	found = re.fullmatch(r"# (TYPE|UNIT|HELP) (\S+) (.*)", line)
	if not found:
		raise MetricsError("a comment that is none of TYPE, UNIT, HELP, EOF")
	kind, name, text = found.groups()
	if not NAME.fullmatch(name):
		raise MetricsError(f"{name!r} is no name")
	if current is None or current.name != name:
		if name in families:
			raise MetricsError(f"the lines of {name} do not stand together")
		current = families[name] = Family(name)
	if current.samples:
		raise MetricsError(f"{kind} of {name} after its samples")
	if getattr(current, kind.lower()) is not None:
		raise MetricsError(f"{name} has two {kind}")
	if kind == "TYPE" and text not in SUFFIXES:
		raise MetricsError(f"type {text!r} is not one that both formats know")
	if kind == "UNIT" and not name.endswith("_" + text):
		raise MetricsError(f"{name} does not end in its unit {text!r}")
	if kind == "HELP":
		_unescape(text, False)
	setattr(current, kind.lower(), text)
	return current


def _sample(line, current):
	found = NAME.match(line)
	if not found:
		raise MetricsError("no name")
	labels, rest = (), line[found.end():]
	if rest.startswith("{"):
		labels, rest = _labels(rest)
	if current is None or current.type is None:
		raise MetricsError("a sample without a TYPE before it")
	if found[0] not in (current.name + suffix for suffix in SUFFIXES[current.type]):
		raise MetricsError(f"{found[0]} is no sample of the {current.type} {current.name}")
	if not rest.startswith(" ") or not NUMBER.fullmatch(rest[1:]):
		raise MetricsError(f"{rest!r} is not one space and a number")  # nor a timestamp: the collector refuses those
	if len(dict(labels)) != len(labels) or tuple(sorted(labels)) in (tuple(sorted(have)) for have in current.samples):
		raise MetricsError("the same sample twice")
	value = float(rest[1:])
	if current.type == "counter" and (value < 0 or math.isnan(value)):
		raise MetricsError("a counter below zero")
	if current.samples and {name for name, _ in labels} != {name for name, _ in next(iter(current.samples))}:
		raise MetricsError("samples of one family with different labels")
	current.samples[labels] = value


def parse(text):
	"""{name: Family}"""
	if not text.endswith("# EOF\n"):
		raise MetricsError("the last line is not # EOF")
	families, current = {}, None
	for number, line in enumerate(text.removesuffix("# EOF\n").splitlines(), 1):
		try:
			if line.startswith("#"):
				current = _meta(line, families, current)
			else:
				_sample(line, current)
		except MetricsError as error:
			raise MetricsError(f"line {number}: {error}: {line}") from None
	for family in families.values():
		if not family.samples or family.help is None:
			raise MetricsError(f"{family.name} has no samples or no HELP")
		for other in families:
			if other != family.name and other in (family.name + s for s in ("_total", "_created", "_count", "_sum", "_info")):
				raise MetricsError(f"{other} is also a sample's name of {family.name}")
	return families


def main():
	try:
		for text in [open(name, encoding="utf-8").read() for name in sys.argv[1:]] or [sys.stdin.read()]:
			families = parse(text)
			print(f"{len(families)} families, {sum(len(family.samples) for family in families.values())} samples")
	except MetricsError as error:
		sys.exit(f"openmetrics: {error}")


if __name__ == "__main__":
	main()
