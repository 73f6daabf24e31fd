// SPDX-License-Identifier: GPL-2.0-or-later
//
// When this was built, to the day (src/trust/CMakeLists.txt).
#include "trust/trust.h"

int64_t trust_built(void)
{
	return LEADGLASS_BUILT;
}
