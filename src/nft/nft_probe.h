// SPDX-License-Identifier: GPL-2.0-or-later
//
// Does this kernel have a feature? Found by trying, because nothing else is true: a kernel need not show its
// configuration, an option may be a module that is not there, and some of it only later kernels can do.
#ifndef LEADGLASS_NFT_PROBE_H
#define LEADGLASS_NFT_PROBE_H

#include "nft/nft.h"
#include "nft/nft_feature.h"

// Loads the smallest wall that needs the feature, reads it back and takes it down again: for a network
// namespace that was made for it and holds no wall. 0: the kernel has it. -ENOMEM; else -errno with a problem:
// it has not, or not without another feature that its wall needs too (nft_probe_needs).
int nft_probe(struct nft *nft, enum nft_feature feature, struct problems *problems);

// What has to be there before a feature can be tried; the feature itself: nothing.
enum nft_feature nft_probe_needs(enum nft_feature feature);

#endif
