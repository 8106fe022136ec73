// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea {

// The caller's wish to stop, asked on the caller's thread alone.
struct Cancel {
    int (*function)(void* cookie) = nullptr;  // null: never
    void* cookie = nullptr;

    bool can_ask() const { return function != nullptr; }
    bool asked() const { return function != nullptr && function(cookie) != 0; }
};

}  // namespace fovea
