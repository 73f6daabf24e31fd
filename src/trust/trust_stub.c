// SPDX-License-Identifier: GPL-2.0-or-later
//
// STUBS: each goes when the real one comes; this file is not to survive.
#include "trust/trust.h"

#include <errno.h>
#include <string.h>

const char *trust_scope_name(enum trust_scope scope) { (void)scope; return ""; }
const char *trust_algorithm_name(enum trust_algorithm a) { (void)a; return ""; }
int trust_read(const char *path, struct trust *ret, struct problems *p) { (void)path; (void)p; *ret = (struct trust){0}; return 0; }
int trust_read_at(int f, const char *path, struct trust *ret, struct problems *p) { (void)f; (void)path; (void)p; *ret = (struct trust){0}; return 0; }
void trust_fini(struct trust *t) { *t = (struct trust){0}; }
int trust_add(const char *path, const char *n, const char *t, size_t s, struct problems *p) { (void)path; (void)n; (void)t; (void)s; (void)p; return -ENOSYS; }
int trust_remove(const char *path, const char *n, struct problems *p) { (void)path; (void)n; (void)p; return -ENOSYS; }
int trust_identify(const char *path, const char *a, const char *b, struct problems *p) { (void)path; (void)a; (void)b; (void)p; return -ENOSYS; }
void trust_verify(const char *t, size_t s, const struct trust *tr, struct trust_verdict *ret) { (void)t; (void)s; (void)tr; *ret = (struct trust_verdict){.code = TRUST_UNCHECKED}; }
int trust_verify_apart(const char *t, size_t s, const struct trust *tr, struct trust_verdict *ret, struct problems *p) { (void)p; trust_verify(t, s, tr, ret); return -ENOSYS; }
int trust_verify_bundle_apart(const char *t, size_t s, const struct trust *tr, struct trust_verdict *ret, struct problems *p) { (void)p; trust_verify(t, s, tr, ret); return -ENOSYS; }
int trust_verify_file_apart(int fd, const struct trust *tr, struct trust_verdict *ret, struct problems *p) { (void)fd; (void)p; trust_verify("", 0, tr, ret); return -ENOSYS; }
int trust_about_apart(const char *t, size_t s, struct trust_about *ret, struct problems *p) { (void)t; (void)s; (void)p; *ret = (struct trust_about){0}; return -ENOSYS; }
bool trust_verdict_sane(const struct trust_verdict *v) { (void)v; return false; }
void trust_verdict_tell(const struct trust_verdict *v, const char *f, const struct trust *t, struct problems *p) { (void)v; (void)t; problem_add(p, PROBLEM_ERROR, 0, 0, f, NULL); }
int64_t trust_built(void) { return 0; }
bool trust_clock(int64_t now, int64_t built, const struct trust_floor *floor, int64_t *ret) { (void)built; (void)floor; *ret = now; return true; }
int trust_judge(const struct policy *policy, const struct trust_verdict *v, const struct trust *t, const struct trust_floor *f, int64_t now, enum trust_when w, struct problems *p, struct trust_floor *ret) { (void)policy; (void)v; (void)t; (void)f; (void)now; (void)w; (void)p; (void)ret; return -ENOSYS; }
int trust_sign(struct buffer *out, const char *k, size_t ks, const char *c, size_t cs, struct problems *p) { (void)out; (void)k; (void)ks; (void)c; (void)cs; (void)p; return -ENOSYS; }
