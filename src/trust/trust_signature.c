// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading the signature and the certificates after a policy.
#include "trust/trust_signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signed_text.h"
#include "trust/trust_pem.h"
#include "trust/trust_subject.h"

static enum trust_code because(struct trust_verdict *verdict, enum trust_code code, const char *why)
{
	snprintf(verdict->detail, sizeof verdict->detail, "%s", why);
	return code;
}

static bool is_marker(struct trust_text line)
{
	return line.size >= sizeof SIGNED_TEXT_MARKER - 1 &&
	       memcmp(line.text, SIGNED_TEXT_MARKER, sizeof SIGNED_TEXT_MARKER - 1) == 0;
}

static bool another_marker(struct trust_text rest)
{
	struct trust_text line;
	while (trust_pem_line(&rest, &line)) {
		if (is_marker(line))
			return true;
	}
	return false;
}

static enum trust_code read_certificates(struct trust_signature *ret, struct trust_text rest,
                                         uint8_t *free_memory, struct trust_verdict *verdict)
{
	struct trust_text line;
	while (trust_pem_line(&rest, &line)) {
		if (line.size == 0)
			continue;
		verdict->which = (uint32_t)ret->count + 1;
		if (!trust_pem_begins(line, "CERTIFICATE")) {
			trust_text_show(line.text, line.size, verdict->detail, 64);
			return TRUST_TEXT_BETWEEN;
		}
		if (ret->count == TRUST_CHAIN_MAX)
			return TRUST_CHAIN_LONG;
		struct trust_der *certificate = &ret->certificates[ret->count];
		const char *wrong = trust_pem_read(&rest, "CERTIFICATE", free_memory, &certificate->size);
		if (wrong)
			return because(verdict, TRUST_CERTIFICATE_FORM, wrong);
		certificate->data = free_memory;
		free_memory += certificate->size;
		ret->count++;
	}
	verdict->which = 0;
	return TRUST_GOOD;
}

enum trust_code trust_signature_read(struct trust_signature *ret, const char *text, size_t size,
                                     struct trust_verdict *verdict)
{
	struct trust_text rest = {text, size}, line = {0};
	*ret = (struct trust_signature){0};

	if (size > TRUST_SIGNATURE_MAX)
		return TRUST_SIGNATURE_LONG;
	trust_pem_line(&rest, &line);
	if (!trust_pem_begins(line, TRUST_SIGNATURE_LABEL))
		return TRUST_MARKER_LINE;
	if (another_marker(rest))
		return TRUST_SIGNED_TWICE;

	// Decoded it is shorter than it was.
	ret->memory = malloc(size);
	if (!ret->memory)
		return because(verdict, TRUST_UNCHECKED, "out of memory");
	const char *wrong = trust_pem_read(&rest, TRUST_SIGNATURE_LABEL, ret->memory, &ret->signature.size);
	if (wrong)
		return because(verdict, TRUST_SIGNATURE_FORM, wrong);
	ret->signature.data = ret->memory;
	return read_certificates(ret, rest, ret->memory + ret->signature.size, verdict);
}

void trust_signature_fini(struct trust_signature *signature)
{
	free(signature->memory);
	*signature = (struct trust_signature){0};
}
