// SPDX-License-Identifier: GPL-2.0-or-later
//
// STUBS: each goes when the real one comes; this file is not to survive.
#include "trust/trust.h"

#include <errno.h>
#include <string.h>

const char *trust_scope_name(enum trust_scope scope) { (void)scope; return ""; }
const char *trust_algorithm_name(enum trust_algorithm a) { (void)a; return ""; }
void trust_verify(const char *t, size_t s, const struct trust *tr, struct trust_verdict *ret) { (void)t; (void)s; (void)tr; *ret = (struct trust_verdict){.code = TRUST_UNCHECKED}; }
int trust_verify_apart(const char *t, size_t s, const struct trust *tr, struct trust_verdict *ret, struct problems *p) { (void)p; trust_verify(t, s, tr, ret); return -ENOSYS; }
int trust_verify_bundle_apart(const char *t, size_t s, const struct trust *tr, struct trust_verdict *ret, struct problems *p) { (void)p; trust_verify(t, s, tr, ret); return -ENOSYS; }
int trust_verify_file_apart(int fd, const struct trust *tr, struct trust_verdict *ret, struct problems *p) { (void)fd; (void)p; trust_verify("", 0, tr, ret); return -ENOSYS; }
int trust_about_apart(const char *t, size_t s, struct trust_about *ret, struct problems *p) { (void)t; (void)s; (void)p; *ret = (struct trust_about){0}; return -ENOSYS; }
bool trust_verdict_sane(const struct trust_verdict *v) { (void)v; return false; }
void trust_verdict_tell(const struct trust_verdict *v, const char *f, const struct trust *t, struct problems *p) { (void)v; (void)t; problem_add(p, PROBLEM_ERROR, 0, 0, f, NULL); }
int trust_sign(struct buffer *out, const char *k, size_t ks, const char *c, size_t cs, struct problems *p) { (void)out; (void)k; (void)ks; (void)c; (void)cs; (void)p; return -ENOSYS; }
