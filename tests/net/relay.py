#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""relay ADDRESS PORT TO_ADDRESS TO_PORT: passes TCP connections on, octet by octet. DCMTK 3.6.7 and Orthanc speak
IPv4 only; with a relay on either side of the wall their associations cross it over IPv6."""
import asyncio
import sys


async def pump(reader, writer):
	try:
		while data := await reader.read(65536):
			writer.write(data)
			await writer.drain()
		writer.write_eof()
	except (OSError, RuntimeError):
		writer.close()


async def main(address, port, to_address, to_port):
	async def passed_on(reader, writer):
		try:
			far_reader, far_writer = await asyncio.open_connection(to_address, int(to_port))
		except OSError:
			writer.close()
			return
		await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
		writer.close()
		far_writer.close()
	server = await asyncio.start_server(passed_on, address, int(port))
	await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
