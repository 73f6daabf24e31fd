// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signed policies (docs/signed-policy.md): whom this box trusts, whether one of them has signed these very
// octets, and whether what was signed may stand here now. In three steps, each a function of its input:
//
//	trust_read     the trust folder as octets; nothing in it is interpreted but names and the identity
//	trust_verify   the file's octets against the anchors: all that mbedTLS does, before any parser sees the
//	               policy, and done apart (in a process that holds nothing) by trust_verify_apart
//	trust_judge    the parsed policy against the box's identity, the clock, what was accepted before, and
//	               the signer may change
//
// Where the folder has no anchor nobody asks for signatures, and a signed policy is a policy like any other.
#ifndef LEADGLASS_TRUST_TRUST_H
#define LEADGLASS_TRUST_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "trust/trust_hash.h"

struct buffer;
struct policy;

#define TRUST_FOLDER "/etc/leadglass/trust"
#define TRUST_IDENTITY "identity"       // in that folder: two lines, "site NAME" and "unit NAME"
#define TRUST_ANCHORS_MAX 16            // files
#define TRUST_ANCHOR_MAX (16u << 10)    // octets of one
#define TRUST_SIGNATURE_MAX (64u << 10) // octets from the marker to the end of a signed policy
#define TRUST_CHAIN_MAX 8               // certificates in it
#define TRUST_NAME_MAX 64               // of an anchor, a site, a unit, with the NUL
#define TRUST_SUBJECT_MAX 160           // a certificate's subject as text, with the NUL
#define TRUST_RSA_BITS_MIN 3072
#define TRUST_RSA_BITS_MAX 8192

// What an anchor's signers may change, by the name of its file.
enum trust_scope {
	TRUST_ALL,  // NAME.pem: everything
	TRUST_SITE, // NAME.site.pem: everything but role and box (the hospital's)
	TRUST_OEM,  // NAME.oem.pem: role and box, and nothing else (the manufacturer's)
};
const char *trust_scope_name(enum trust_scope scope); // "all", "site", "oem"
const char *trust_scope_may(enum trust_scope scope);  // "everything but role and box"

struct trust_anchor {
	char name[TRUST_NAME_MAX]; // the file's without ".pem": "st-anna.site"
	enum trust_scope scope;
	char *text; // PEM: one CERTIFICATE (a CA) or one PUBLIC KEY (pinned); NUL after it
	size_t size;
};

struct trust {
	char path[256];                                 // of the folder, for messages
	struct trust_anchor anchors[TRUST_ANCHORS_MAX]; // by name
	size_t count;
	char site[TRUST_NAME_MAX], unit[TRUST_NAME_MAX]; // "": the box has not been told
	bool of_updates; // it is asked about firmware updates, and not about policies: messages say so
};

// ---- trust_read.c ----

// Reads the folder. Believed is only what belongs to root or to who we are and can be written by no other:
// folder and files. No folder and an empty one are no error: count 0. Files other than NAME.pem and `identity`
// (but those whose names begin with a dot) are an error: whoever puts hospital.crt there means it to count. 0;
// -EPERM, -EBADMSG (identity), -E2BIG, -ENAMETOOLONG, -EINVAL (a name), or what reading gave, all with a
// problem. After a failure *ret is empty, and no policy may be taken: it is not known what is asked for.
int trust_read(const char *path, struct trust *ret, struct problems *problems);
// The same without `identity`, which may be damaged: site and unit are "".
int trust_read_anchors(const char *path, struct trust *ret, struct problems *problems);
// As trust_read, of a folder that is open (`path` for messages).
int trust_read_at(int folder, const char *path, struct trust *ret, struct problems *problems);
void trust_fini(struct trust *trust);

// Writes into it as root: a temporary file, fsync, rename, fsync. The folder is made (0755) where it is
// missing. `name` as in struct trust_anchor. 0 or -errno with a problem; -EEXIST: there is another anchor of
// that name; trust_remove -ENOENT: there is none.
int trust_add(const char *path, const char *name, const char *text, size_t size, struct problems *problems);
int trust_remove(const char *path, const char *name, struct problems *problems);
// The identity; NULL: leaves that line as it is.
int trust_identify(const char *path, const char *site, const char *unit, struct problems *problems);

// ---- trust_verify.c ----

enum trust_code {
	TRUST_GOOD,
	TRUST_UNCHECKED, // nothing was found out (zero-filled verdicts are not good: see trust_verdict_sane)
	// the form of the file
	TRUST_NOT_SIGNED,       // no marker
	TRUST_MARKER_PLACE,     // a marker, but not at the beginning of a line
	TRUST_MARKER_LINE,      // something after the marker on its line
	TRUST_SIGNED_TWICE,     // a second signature
	TRUST_SIGNATURE_FORM,   // no base64, no END line, nothing in it
	TRUST_SIGNATURE_LONG,   // more than TRUST_SIGNATURE_MAX octets after the policy
	TRUST_CERTIFICATE_FORM, // certificate number `which` is no PEM or no DER
	TRUST_TEXT_BETWEEN,     // something that is neither
	TRUST_CHAIN_LONG,       // more than TRUST_CHAIN_MAX
	// the signer's key
	TRUST_NO_CERTIFICATE, // none in the file, and no pinned key fits
	TRUST_KEY_KIND, // neither P-256, P-384 nor RSA of TRUST_RSA_BITS_MIN to _MAX; `detail` says what it is
	TRUST_WRONG_SIGNATURE,
	// the chain
	TRUST_UNKNOWN_SIGNER,  // no anchor has issued certificate `which`; `detail`: its issuer
	TRUST_SELF_SIGNED,     // the signer's certificate is its own issuer, and no anchor
	TRUST_USAGE,           // the signer's certificate is not for code signing (RFC 5280 4.2.1.12)
	TRUST_KEY_USAGE,       // its key is not for digital signatures (4.2.1.3)
	TRUST_SIGNER_IS_CA,    // it is a CA's
	TRUST_NOT_CA,          // `which` has issued another and is none (4.2.1.9), or may not (4.2.1.3)
	TRUST_PATH_LENGTH,     // `which` allows fewer CAs below it (4.2.1.9)
	TRUST_CHAIN_USAGE,     // `which` is a CA for other usages than code signing
	TRUST_CHAIN_SIGNATURE, // the signature on certificate `which` is wrong
	TRUST_WEAK,            // `which` has a key or hash that is not taken (SHA-1, RSA under 3072); `detail`
	TRUST_NAME,            // a name in `which` has control characters or a NUL
	TRUST_CODE_COUNT,
};

enum trust_algorithm {
	TRUST_NO_ALGORITHM,
	TRUST_P256, // ECDSA, P-256, SHA-256
	TRUST_P384, // ECDSA, P-384, SHA-384
	TRUST_RSA,  // RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets
	TRUST_ALGORITHM_COUNT,
};
const char *trust_algorithm_name(enum trust_algorithm algorithm); // "ECDSA P-256 with SHA-256"

// What was found out about one file. Of fixed size, without pointers: it comes from another process.
struct trust_verdict {
	uint32_t code;      // enum trust_code
	uint32_t which;     // certificate, from 1 in the order of the file; 0: it is about none
	uint32_t algorithm; // enum trust_algorithm
	uint32_t scope;     // enum trust_scope, of the anchor
	uint64_t size;      // octets that are signed
	// Of all certificates from the signer's to the anchor's: the latest notBefore, the earliest notAfter,
	// seconds since 1970. Pinned: 0 and INT64_MAX. Not judged here (trust_judge has the clock).
	int64_t valid_from, valid_to;
	uint32_t valid_from_which, valid_to_which; // whose they are, 0: the anchor's
	uint32_t fits; // 1: the signature was made over these octets with this key, whoever vouches for that
	uint8_t content[TRUST_HASH_SIZE]; // SHA-256 of the octets that are signed
	uint8_t key[TRUST_HASH_SIZE];     // SHA-256 of the signer's SubjectPublicKeyInfo (DER)
	char anchor[TRUST_NAME_MAX];      // the one that vouches
	char signer[TRUST_SUBJECT_MAX];   // its certificate's subject ("O=..., CN=..."); of a pinned key,
	                                  // whose name nobody vouches for, "key " and 16 digits of `key`
	char detail[TRUST_SUBJECT_MAX];   // for messages
	char bad_anchor[TRUST_NAME_MAX];  // one that is no CA's certificate and no key; "": all are
	char bad_anchor_why[TRUST_NAME_MAX];
};

// Verifies the text of a whole signed policy. Pure: no file, no clock; memory that does not grow with `size`.
void trust_verify(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret);

// ---- trust_apart.c ----
// The same in a process that holds nothing (sandbox_apart), its verdict checked. 0, or -errno with a problem
// when there is no verdict.
int trust_verify_apart(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret,
                       struct problems *problems);
// Of the only file in a policy bundle (policy_bundle.h), which is taken apart over there too. A bundle of
// several files is TRUST_NOT_SIGNED.
int trust_verify_bundle_apart(const char *bundle, size_t size, const struct trust *trust,
                              struct trust_verdict *ret, struct problems *problems);
// Of an open file (read from its beginning with pread), in pieces of 64 KiB; what is no regular file is
// -ESPIPE.
int trust_verify_file_apart(int fd, const struct trust *trust, struct trust_verdict *ret,
                            struct problems *problems);

// What an anchor is, for people; all texts safe to print. Apart too. *ret_why "" when it can be used.
struct trust_about {
	uint8_t is_key;               // pinned, not a CA
	uint8_t good;                 // 0: it cannot be used, see `why`
	uint8_t as_signer;            // enum trust_code: TRUST_GOOD, or why it could be no signer's certificate
	int64_t valid_from, valid_to; // 0 and INT64_MAX for a key
	uint8_t key[TRUST_HASH_SIZE]; // SHA-256 of its SubjectPublicKeyInfo
	uint8_t whole[TRUST_HASH_SIZE];  // SHA-256 of the certificate (what openssl x509 -fingerprint -sha256
	                                 // prints)
	char subject[TRUST_SUBJECT_MAX]; // "": a key
	char kind[48];                   // "ECDSA P-256", "RSA 4096 bits"
	char why[TRUST_SUBJECT_MAX];     // "it is no CA's certificate", ...
};
int trust_about_apart(const char *text, size_t size, struct trust_about *ret, struct problems *problems);

// ---- trust_tell.c ----
// Whether a verdict that came from elsewhere can be one: codes and enums known, texts terminated and without
// control characters.
bool trust_verdict_sane(const struct trust_verdict *verdict);
// Adds the problem: what failed and what to do, each code with its own words; nothing for TRUST_GOOD. `file` is
// what the policy is called. A bad anchor is a warning of its own.
void trust_verdict_tell(const struct trust_verdict *verdict, const char *file, const struct trust *trust,
                        struct problems *problems);

// ---- trust_judge.c ----

// The last policy that was accepted and stayed (confirmed, or applied without a window). Kept by src/state.
struct trust_floor {
	bool any; // false: none ever was
	uint64_t serial;
	uint8_t content[TRUST_HASH_SIZE];
	int64_t not_before; // the latest one of its policy block and of those before it, as far as they
	                    // were believed (trust_judge); 0: none
	// What it is compared by where an anchor may not change everything. False, and zero: an older leadglass
	// wrote it, which worked them out only then.
	bool parts;
	uint8_t frame[TRUST_HASH_SIZE]; // of its role and box, canonical (trust_parts)
	uint8_t rest[TRUST_HASH_SIZE];  // of everything else but the policy block
};

enum trust_when {
	TRUST_COMING,   // is to be applied
	TRUST_STANDING, // was accepted before, and is looked at again at a start: no date takes a wall away
};

// When leadglass was built, seconds since 1970: no later policy can have been signed before.
int64_t trust_built(void);
// The clock, if it can be believed: not when it stands before `built` or before what was accepted. Then
// *ret_time is the latest of these, a moment that has certainly passed.
bool trust_clock(int64_t now, int64_t built, const struct trust_floor *floor, int64_t *ret_time);

// Judges a policy whose signature was found good. 0; -EKEYREJECTED with problems, at the place in the policy
// where there is one; -ENOMEM. `ret` (may be NULL) is the floor it makes when it is accepted. `now` as the
// clock has it.
int trust_judge(const struct policy *policy, const struct trust_verdict *verdict, const struct trust *trust,
                const struct trust_floor *floor, int64_t now, enum trust_when when, struct problems *problems,
                struct trust_floor *ret);

// The dates alone, of the chain that vouches for something that is no policy. 0 or -EKEYREJECTED with problems.
int trust_judge_chain(const struct trust_verdict *verdict, const struct trust *trust, int64_t now,
                      struct problems *problems);

// ---- trust_claim.c ----

// Raises a floor to a policy (its bundle) that was confirmed here, with that serial, and that nobody can vouch
// for now. It was signed once, but of what it says only serial and octets are taken, and `not_before` stays. 0;
// -ENOENT there is no signature on it, and *floor is as it was.
int trust_claim(const char *bundle, size_t size, uint64_t serial, struct trust_floor *floor);

// ---- trust_sign.c ----

// Signs the text of a policy: appends marker, signature and certificates to `out`, which holds the text. `key`
// and `certificates` are PEM with a NUL after them (size does not count it); `certificates` NULL: none are
// added, for pinned keys. Deterministic for ECDSA (RFC 6979). 0; or -EINVAL, -EKEYREJECTED (key and first
// certificate do not belong together; key kind), -ENOKEY (the key is encrypted), -ENOMEM, -EIO with a problem.
int trust_sign(struct buffer *out, const char *key, size_t key_size, const char *certificates,
               size_t certificates_size, struct problems *problems);

#endif
