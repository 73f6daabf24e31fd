// SPDX-License-Identifier: GPL-2.0-or-later
//
// The policy of the closed wall that goes with a policy: its role, how the machine is reached and who manages
// it, how drops are logged; no device, no peer, no service, no frame passed on.
#ifndef LEADGLASS_POLICY_POLICY_CLOSED_H
#define LEADGLASS_POLICY_POLICY_CLOSED_H

struct buffer;
struct policy;

void policy_closed_print(const struct policy *policy, struct buffer *out); // as text that policy_parse reads

#endif
