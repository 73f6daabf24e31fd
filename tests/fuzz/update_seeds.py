#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: update_seeds.py FOLDER

Fills FOLDER with what the fuzz target `update` begins with: update files, good ones and such as are cut off or changed,
manifests, and environment blocks as GRUB and leadglass write them.
"""
import hashlib
import seeds

IMAGE = b"a slot's image, much shorter than one\n"
SIGNATURE = b"-----BEGIN LEADGLASS SIGNATURE-----\nQUJD\n-----END LEADGLASS SIGNATURE-----\n"
BLOCK = 1024


def manifest(image=IMAGE, board="qemu-arm64", serial=7, version="1.2"):
	return (f"update {{\n\tboard {board}\n\tserial {serial}\n\tversion {version}\n\timage-size {len(image)}\n"
	        f"\timage-sha256 {hashlib.sha256(image).hexdigest()}\n}}\n").encode()


def file(text, image=IMAGE):
	return b"leadglass update, manifest of %d octets\n" % len(text) + text + image


def block(**variables):
	text = "# GRUB Environment Block\n" + "".join(f"{name}={value}\n" for name, value in variables.items())
	return text.encode().ljust(BLOCK, b"#")


def main():
	signed = manifest() + SIGNATURE
	made = {
		"good": file(signed),
		"one-line": file(manifest().replace(b"\n\t", b"; ").replace(b"{;", b"{").replace(b"\n}", b" }") + SIGNATURE),
		"old": file(manifest(serial=5) + SIGNATURE),
		"other-board": file(manifest(board="pc-amd64") + SIGNATURE),
		"unsigned": file(manifest()),
		"cut-in-manifest": file(signed)[:150],
		"cut-in-image": file(signed)[:-5],
		"too-long": file(signed) + b"more",
		"other-image": file(signed, IMAGE.replace(b"a", b"b")),
		"manifest": manifest(),
		"twice": manifest() + manifest(),
		"nothing-in-it": b"update { }\n",
		"policy": b"role host\ndevice ct { port 104 }\n",
		"block": block(good="a", trial="b", tries=3, starts=3, reset="", serial_a=6, serial_b=7),
		"block-reset": block(good="b", trial="", tries=0, starts=1, reset=1, serial_a=0, serial_b=18446744073709551615),
		"block-empty": block(),
		"block-strange": block(good="c", trial="b ", tries=4, starts="03", saved_entry="0", serial_a="-1"),
	}
	folder = seeds.folder(__doc__)
	for name, octets in made.items():
		(folder / name).write_bytes(octets)


if __name__ == "__main__":
	main()
