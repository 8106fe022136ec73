// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace fovea::cli {

// Calls work(worker, index) for every index below count on `workers` threads, and emit(index,
// result) on the calling thread in the order of the indices. No worker runs further ahead of emit
// than a few results a worker, so memory is bounded. When work or emit throws, the workers are stopped
// after what they are at, and the exception goes on. Where no thread can be had, the calling one works.
template <typename Result, typename Work, typename Emit>
void run_in_order(std::size_t count, unsigned workers, Work work, Emit emit) {
    const auto work_here = [&] {
        for (std::size_t index = 0; index < count; ++index) emit(index, work(0u, index));
    };
    if (workers <= 1 || count <= 1) return work_here();
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::optional<Result>> slots(std::size_t{4} * workers);  // index modulo size
    std::size_t next = 0;
    std::size_t emitted = 0;
    bool stop = false;
    std::exception_ptr failure;

    const auto loop = [&](unsigned worker) {
        std::unique_lock lock(mutex);
        while (true) {
            changed.wait(lock,
                         [&] { return stop || next >= count || next < emitted + slots.size(); });
            if (stop || next >= count) return;
            const std::size_t index = next++;
            lock.unlock();
            std::optional<Result> result;
            std::exception_ptr problem;
            try {
                result = work(worker, index);
            } catch (...) {
                problem = std::current_exception();
            }
            lock.lock();
            slots[index % slots.size()] = std::move(result);
            if (problem != nullptr && failure == nullptr) failure = problem;
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
        threads.reserve(workers);
        try {
            for (unsigned worker = 0; worker < workers; ++worker) threads.emplace_back(loop, worker);
        } catch (const std::system_error&) {
            if (threads.empty()) return work_here();
        }
        while (emitted < count) {
            std::unique_lock lock(mutex);
            std::optional<Result>& slot = slots[emitted % slots.size()];
            changed.wait(lock, [&] { return slot.has_value() || failure != nullptr; });
            if (!slot.has_value()) std::rethrow_exception(failure);
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
