// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words of the language that are values, and guesses at misspelt ones.
#include "policy/policy_names.h"

#include <string.h>

static const char *const role_names[] = {
        [POLICY_ROLE_NONE] = "",
        [POLICY_ROLE_HOST] = "host",
        [POLICY_ROLE_ROUTER] = "router",
        [POLICY_ROLE_BRIDGE] = "bridge",
};
#define ROLE_COUNT (sizeof role_names / sizeof role_names[0])

// Service classes of DICOM PS3.4, by the short names conformance statements use.
static const char *const dicom_names[POLICY_DICOM_COUNT] = {
        [POLICY_ECHO] = "echo",
        [POLICY_STORAGE] = "storage",
        [POLICY_STORAGE_COMMITMENT] = "storage-commitment",
        [POLICY_WORKLIST] = "worklist",
        [POLICY_MPPS] = "mpps",
        [POLICY_QUERY_RETRIEVE] = "query-retrieve",
        [POLICY_PRINT] = "print",
        [POLICY_INSTANCE_AVAILABILITY] = "instance-availability",
        [POLICY_MEDIA_CREATION] = "media-creation",
        [POLICY_UNIFIED_PROCEDURE_STEP] = "unified-procedure-step",
        [POLICY_RELEVANT_PATIENT_INFORMATION] = "relevant-patient-information",
        [POLICY_HANGING_PROTOCOL] = "hanging-protocol",
        [POLICY_COLOR_PALETTE] = "color-palette",
        [POLICY_IMPLANT_TEMPLATE] = "implant-template",
        [POLICY_SUBSTANCE_ADMINISTRATION] = "substance-administration",
        [POLICY_PROTOCOL_APPROVAL] = "protocol-approval",
        [POLICY_DISPLAY_SYSTEM] = "display-system",
        [POLICY_RT_MACHINE_VERIFICATION] = "rt-machine-verification",
        [POLICY_INVENTORY] = "inventory",
};

static const char *const service_names[] = {
        [POLICY_SERVICE_DNS] = "dns",   [POLICY_SERVICE_NTP] = "ntp",       [POLICY_SERVICE_DHCP] = "dhcp",
        [POLICY_SERVICE_PING] = "ping", [POLICY_SERVICE_SYSLOG] = "syslog",
};
static const char *const frame_names[POLICY_FRAME_COUNT] = {
        [POLICY_EAPOL] = "eapol",
        [POLICY_LLDP] = "lldp",
        [POLICY_STP] = "stp",
};

#define SERVICE_COUNT (sizeof service_names / sizeof service_names[0])

// What people and conformance statements also call the services.
static const struct {
	const char *said;
	enum policy_dicom meant;
} other_dicom_names[] = {
        {"verification", POLICY_ECHO},
        {"c-echo", POLICY_ECHO},
        {"store", POLICY_STORAGE},
        {"c-store", POLICY_STORAGE},
        {"commitment", POLICY_STORAGE_COMMITMENT},
        {"commit", POLICY_STORAGE_COMMITMENT},
        {"stgcmt", POLICY_STORAGE_COMMITMENT},
        {"mwl", POLICY_WORKLIST},
        {"modality-worklist", POLICY_WORKLIST},
        {"performed-procedure-step", POLICY_MPPS},
        {"pps", POLICY_MPPS},
        {"query", POLICY_QUERY_RETRIEVE},
        {"retrieve", POLICY_QUERY_RETRIEVE},
        {"find", POLICY_QUERY_RETRIEVE},
        {"move", POLICY_QUERY_RETRIEVE},
        {"get", POLICY_QUERY_RETRIEVE},
        {"c-find", POLICY_QUERY_RETRIEVE},
        {"c-move", POLICY_QUERY_RETRIEVE},
        {"c-get", POLICY_QUERY_RETRIEVE},
        {"q/r", POLICY_QUERY_RETRIEVE},
        {"qr", POLICY_QUERY_RETRIEVE},
        {"ian", POLICY_INSTANCE_AVAILABILITY},
        {"ups", POLICY_UNIFIED_PROCEDURE_STEP},
};

// What the frames are also called.
static const struct {
	const char *said;
	enum policy_frame meant;
} other_frame_names[] = {
        {"802.1x", POLICY_EAPOL}, {"8021x", POLICY_EAPOL}, {"dot1x", POLICY_EAPOL},       {"eap", POLICY_EAPOL},
        {"802.1ab", POLICY_LLDP}, {"802.1d", POLICY_STP},  {"802.1w", POLICY_STP},        {"rstp", POLICY_STP},
        {"mstp", POLICY_STP},     {"bpdu", POLICY_STP},    {"spanning-tree", POLICY_STP},
};

const char *policy_role_name(enum policy_role role)
{
	return role_names[role];
}

const char *policy_dicom_name(enum policy_dicom service)
{
	return dicom_names[service];
}

const char *policy_frame_name(enum policy_frame frame)
{
	return frame_names[frame];
}

const char *policy_service_kind_name(enum policy_service_kind kind)
{
	return kind == POLICY_SERVICE_CUSTOM ? NULL : service_names[kind];
}

bool policy_word_equal(const struct word *word, const char *text)
{
	size_t size = strlen(text);
	return word->text && word->size == size && memcmp(word->text, text, size) == 0;
}

static int find(const struct word *word, const char *const *names, size_t count)
{
	// The first letter rules out nearly all of them; strncmp stops at the end of a shorter name.
	for (size_t i = 0; i < count; i++)
		if (names[i][0] == word->text[0] && strncmp(names[i], word->text, word->size) == 0 &&
		    names[i][word->size] == '\0')
			return (int)i;
	return -1;
}

int policy_role_from_word(const struct word *word)
{
	return word->size ? find(word, role_names, ROLE_COUNT) : -1;
}

int policy_dicom_from_word(const struct word *word)
{
	return word->size ? find(word, dicom_names, POLICY_DICOM_COUNT) : -1;
}

int policy_frame_from_word(const struct word *word)
{
	return word->size ? find(word, frame_names, POLICY_FRAME_COUNT) : -1;
}

enum policy_service_kind policy_service_kind_from_word(const struct word *word)
{
	int kind = word->size ? find(word, service_names, SERVICE_COUNT) : -1;
	return kind < 0 ? POLICY_SERVICE_CUSTOM : (enum policy_service_kind)kind;
}

#define NEAREST_MAX 32 // longer words are nobody's typing error

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '_' ? '-' : c;
}

size_t policy_edits(const struct word *word, const char *name, size_t size)
{
	size_t row[3][NEAREST_MAX + 1];
	const char *text = word->text;
	if (word->size > NEAREST_MAX || size > NEAREST_MAX || size == 0)
		return SIZE_MAX;
	for (size_t j = 0; j <= size; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= word->size; i++) {
		size_t *now = row[i % 3], *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= size; j++) {
			size_t best = before[j - 1] + (lower(text[i - 1]) != lower(name[j - 1]));
			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && lower(text[i - 1]) == lower(name[j - 2]) &&
			    lower(text[i - 2]) == lower(name[j - 1]) && two_before[j - 2] + 1 < best)
				best = two_before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[word->size % 3][size];
}

size_t policy_edits_limit(const struct word *word)
{
	return word->size < 2 ? 0 : word->size / 3 + 1;
}

const char *policy_nearest(const struct word *word, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t least = policy_edits_limit(word);
	for (size_t i = 0; i < count; i++) {
		size_t edits = policy_edits(word, names[i], strlen(names[i]));
		if (edits < least) {
			least = edits;
			nearest = names[i];
		}
	}
	return nearest;
}

const char *policy_role_nearest(const struct word *word)
{
	return policy_nearest(word, role_names, ROLE_COUNT);
}

const char *policy_service_kind_nearest(const struct word *word)
{
	return policy_nearest(word, service_names, SERVICE_COUNT);
}

static bool equal_but_case(const struct word *word, const char *name)
{
	if (word->size != strlen(name))
		return false;
	for (size_t i = 0; i < word->size; i++)
		if (lower(word->text[i]) != name[i])
			return false;
	return true;
}

const char *policy_dicom_nearest(const struct word *word)
{
	for (size_t i = 0; i < sizeof other_dicom_names / sizeof other_dicom_names[0]; i++)
		if (equal_but_case(word, other_dicom_names[i].said))
			return dicom_names[other_dicom_names[i].meant];
	return policy_nearest(word, dicom_names, POLICY_DICOM_COUNT);
}

const char *policy_frame_nearest(const struct word *word)
{
	for (size_t i = 0; i < sizeof other_frame_names / sizeof other_frame_names[0]; i++)
		if (equal_but_case(word, other_frame_names[i].said))
			return frame_names[other_frame_names[i].meant];
	return policy_nearest(word, frame_names, POLICY_FRAME_COUNT);
}
