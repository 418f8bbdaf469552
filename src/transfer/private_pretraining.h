#pragma once

#include "cryptotl/transfer/pretraining.h"

namespace cryptotl {

/// pretrain_model() with options.privacy: nothing of the model depends on the source's rows but what DP-SGD
/// has released of them, their number, the names of their labels and the settings.
PretrainedModel pretrain_model_privately(const Examples& examples, const PretrainingOptions& options,
                                         const ProgressFunction& progress);

}  // namespace cryptotl
