# SPDX-License-Identifier: GPL-2.0-or-later
"""DER (X.690), as far as certificates, keys and signatures need it."""

BOOLEAN, INTEGER, BIT_STRING, OCTETS, OID, SEQUENCE, SET = 0x01, 0x02, 0x03, 0x04, 0x06, 0x30, 0x31


class Bad(Exception):
	pass


class Der:
	"""A value, or what is left of its inside."""

	def __init__(self, octets, tag=None, whole=b""):
		self.octets, self.tag, self.whole, self.at = octets, tag, whole, 0

	def _header(self):
		"""(tag, where the content begins, where it ends)"""
		octets, at = self.octets, self.at
		if at + 2 > len(octets):
			raise Bad("it ends too early")
		tag, size, at = octets[at], octets[at + 1], at + 2
		if tag & 0x1f == 0x1f or size == 0x80:
			raise Bad("a tag or a length that is not DER")
		if size > 0x80:
			count = size - 0x80
			size = int.from_bytes(octets[at:at + count], "big")
			if count > 3 or at + count > len(octets) or size < 0x80 or size.bit_length() <= 8 * (count - 1):
				raise Bad("a length that is not DER")
			at += count
		if at + size > len(octets):
			raise Bad("a length that leads out of it")
		return tag, at, at + size

	def take(self, tag=None):
		"""The next value inside."""
		found, begin, end = self._header()
		if tag is not None and found != tag:
			raise Bad(f"tag {found:#x} where {tag:#x} belongs")
		value = Der(self.octets[begin:end], found, self.octets[self.at:end])
		self.at = end
		return value

	def optional(self, tag):
		return self.take(tag) if self.at < len(self.octets) and self.octets[self.at] == tag else None

	def end(self):
		if self.at != len(self.octets):
			raise Bad("something follows")

	def only(self, tag):
		"""The one value that these octets are."""
		value = self.take(tag)
		self.end()
		return value

	def all(self):
		while self.at < len(self.octets):
			yield self.take()

	def inner(self, tag, least=1):
		"""All values inside, of one tag."""
		if least and not self.octets:
			raise Bad("nothing inside")
		while self.at < len(self.octets):
			yield self.take(tag)

	def number(self):
		octets = self.octets
		if not octets or (len(octets) > 1 and (octets[0] == 0) == (octets[1] < 0x80) and octets[0] in (0, 0xff)):
			raise Bad("an integer that is not DER")
		return int.from_bytes(octets, "big", signed=True)

	def oid(self):
		numbers, value = [], 0
		for octet in self.octets:
			value = value << 7 | octet & 0x7f
			if not octet & 0x80:
				numbers.append(value)
				value = 0
		if not numbers or self.octets[-1] & 0x80:
			raise Bad("an object identifier that ends too early")
		first = min(numbers[0] // 40, 2)
		return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
