// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "fovea/fovea.h"
#include "preprocess/memory.h"

namespace fovea {

inline constexpr std::uint32_t kMaxThreads = 64;

// A fixed set of worker threads. run() is called from one thread at a time, which takes part as number 0.
// A network is dozens of rounds of some 20 microseconds each, less than it takes to wake a thread: so
// whoever waits spins for a few tens of microseconds before it sleeps. Between runs all sleep, and
// where there are more threads than CPUs none spins. Nor does one that another of the pool shares its CPU with,
// as happens when other programs keep the rest busy: it would keep the very thread that it waits for from running.
class ThreadPool {
  public:
    using Task = void (*)(void* context, std::uint32_t thread);

    explicit ThreadPool(const Allocator& allocator) : workers_(allocator) {}
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool();  // waits for the workers to end

    // count threads in all, 1 to kMaxThreads. Called once; on failure the pool may only be
    // destroyed.
    fovea_status start(std::uint32_t count);

    // task(context, i) on thread i for i < count; returns when all are done.
    void run(std::uint32_t count, Task task, void* context);

    // To be called before runs in a process that may have been forked from the pool's: a child has none of its
    // parent's threads. From then on run() does every thread's task in turn.
    void notice_fork();

    std::uint32_t count() const { return started_ + 1; }

  private:
    struct Worker {
        ThreadPool* pool;
        pthread_t thread;
        std::uint32_t number;
    };
    static void* worker_main(void* argument);
    void work(std::uint32_t number);
    template <typename Condition>
    void spin(int spin_limit, const Condition& condition) const;
    // How often a thread of the round may look before it sleeps; under mutex_.
    int spin_limit_of(std::uint32_t number);

    Buffer<Worker> workers_;
    std::uint32_t started_ = 0;
    pid_t process_ = 0;    // in which they were started
    bool forked_ = false;  // this is another one
    bool synchronised_ = false;  // the mutex and the conditions exist
    pthread_mutex_t mutex_;
    pthread_cond_t work_ready_;
    pthread_cond_t work_done_;
    int spin_limit_ = 0;  // looks before sleeping, on a CPU of one's own
    // Changed under mutex_, so that nobody falls asleep over a change; also read without:
    std::atomic<std::uint64_t> round_{0};  // number of run() calls that had work for workers
    std::atomic<std::uint32_t> pending_{0};  // workers still at it
    // Guarded by mutex_:
    std::uint32_t active_ = 0;  // threads that take part in the round
    Task task_ = nullptr;
    void* context_ = nullptr;
    bool stop_ = false;
    int cpus_[kMaxThreads];  // where each thread was seen last; -1 = nowhere yet
};

}  // namespace fovea
