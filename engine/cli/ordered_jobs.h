// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace fovea::cli {

// Calls work(worker, index) for every index below count on `workers` threads, and emit(index,
// result) on the calling thread in the order of the indices. No worker runs further ahead of emit
// than a few results a worker, so memory is bounded. work must not throw; when emit throws, the
// workers are stopped after what they are at, and the exception goes on.
template <typename Result, typename Work, typename Emit>
void run_in_order(std::size_t count, unsigned workers, Work work, Emit emit) {
    if (workers <= 1 || count <= 1) {
        for (std::size_t index = 0; index < count; ++index) emit(index, work(0u, index));
        return;
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::optional<Result>> slots(std::size_t{4} * workers);  // index modulo size
    std::size_t next = 0;
    std::size_t emitted = 0;
    bool stop = false;

    const auto loop = [&](unsigned worker) {
        std::unique_lock lock(mutex);
        while (true) {
            changed.wait(lock,
                         [&] { return stop || next >= count || next < emitted + slots.size(); });
            if (stop || next >= count) return;
            const std::size_t index = next++;
            lock.unlock();
            Result result = work(worker, index);
            lock.lock();
            slots[index % slots.size()] = std::move(result);
            changed.notify_all();
        }
    };

    std::vector<std::thread> threads;
    const auto join = [&] {
        {
            const std::lock_guard lock(mutex);
            stop = true;
        }
        changed.notify_all();
        for (std::thread& thread : threads) thread.join();
    };
    try {
        for (unsigned worker = 0; worker < workers; ++worker) threads.emplace_back(loop, worker);
        while (emitted < count) {
            std::unique_lock lock(mutex);
            std::optional<Result>& slot = slots[emitted % slots.size()];
            changed.wait(lock, [&] { return slot.has_value(); });
            Result result = std::move(*slot);
            slot.reset();
            lock.unlock();
            emit(emitted, std::move(result));
            lock.lock();
            ++emitted;
            lock.unlock();
            changed.notify_all();
        }
    } catch (...) {
        join();
        throw;
    }
    join();
}

}  // namespace fovea::cli
