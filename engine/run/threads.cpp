// SPDX-License-Identifier: Apache-2.0
#include "engine/run/threads.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "ops/pause.h"

namespace fovea {
namespace {

// Looks before a thread sleeps: 49 microseconds on Zen 4.
constexpr int kSpinLimit = 2000;

// CPUs that this process may use, or those of the machine where the system has no affinity masks or none of this size.
std::uint32_t available_cpus() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<std::uint32_t>(CPU_COUNT(&set));
#endif
    // Not std::thread's count: it would be all that a program needs of the C++ run-time.
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus > 0 ? static_cast<std::uint32_t>(cpus) : 1;
}

// The CPU that this thread runs on; -1 where the system does not tell.
int current_cpu() {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

}  // namespace

template <typename Condition>
void ThreadPool::spin(int spin_limit, const Condition& condition) const {
    for (int i = 0; i < spin_limit && !condition(); ++i) ops::pause();
}

int ThreadPool::spin_limit_of(std::uint32_t number) {
    const int cpu = cpus_[number] = current_cpu();
    for (std::uint32_t other = 0; other < active_; ++other) {
        if (other != number && cpu >= 0 && cpus_[other] == cpu) return 0;
    }
    return spin_limit_;
}

ThreadPool::~ThreadPool() {
    notice_fork();
    // The conditions wait for threads that a child does not have: it leaves them.
    if (!synchronised_ || forked_) return;
    pthread_mutex_lock(&mutex_);
    stop_ = true;
    pthread_cond_broadcast(&work_ready_);
    pthread_mutex_unlock(&mutex_);
    for (std::uint32_t i = 0; i < started_; ++i) pthread_join(workers_[i].thread, nullptr);
    pthread_cond_destroy(&work_done_);
    pthread_cond_destroy(&work_ready_);
    pthread_mutex_destroy(&mutex_);
}

fovea_status ThreadPool::start(std::uint32_t count) {
    if (count <= 1) return FOVEA_OK;
    process_ = getpid();
    if (!workers_.allocate(count - 1)) return FOVEA_ERROR_OUT_OF_MEMORY;
    if (pthread_mutex_init(&mutex_, nullptr) != 0) return FOVEA_ERROR_OUT_OF_MEMORY;
    if (pthread_cond_init(&work_ready_, nullptr) != 0) {
        pthread_mutex_destroy(&mutex_);
        return FOVEA_ERROR_OUT_OF_MEMORY;
    }
    if (pthread_cond_init(&work_done_, nullptr) != 0) {
        pthread_cond_destroy(&work_ready_);
        pthread_mutex_destroy(&mutex_);
        return FOVEA_ERROR_OUT_OF_MEMORY;
    }
    synchronised_ = true;
    std::fill_n(cpus_, kMaxThreads, -1);
    spin_limit_ = count <= available_cpus() ? kSpinLimit : 0;
    // The program's signals are for its own threads; a new thread inherits the mask.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    fovea_status status = FOVEA_OK;
    for (std::uint32_t i = 0; i + 1 < count && status == FOVEA_OK; ++i) {
        workers_[i] = {this, {}, i + 1};
        if (pthread_create(&workers_[i].thread, nullptr, worker_main, &workers_[i]) == 0) {
            ++started_;
        } else {
            status = FOVEA_ERROR_OUT_OF_MEMORY;  // what a system out of threads amounts to
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return status;
}

void ThreadPool::notice_fork() {
    forked_ = forked_ || (process_ != 0 && process_ != getpid());
}

void* ThreadPool::worker_main(void* argument) {
    const auto* worker = static_cast<const Worker*>(argument);
    worker->pool->work(worker->number);
    return nullptr;
}

void ThreadPool::work(std::uint32_t number) {
    std::uint64_t seen = 0;
    pthread_mutex_lock(&mutex_);
    for (;;) {
        const int spin_limit = spin_limit_of(number);
        if (round_ == seen && !stop_) {
            pthread_mutex_unlock(&mutex_);
            spin(spin_limit, [&] { return round_.load(std::memory_order_acquire) != seen; });
            pthread_mutex_lock(&mutex_);
        }
        while (!stop_ && round_ == seen) pthread_cond_wait(&work_ready_, &mutex_);
        if (stop_) break;
        seen = round_;
        if (number >= active_) continue;
        const Task task = task_;
        void* const context = context_;
        pthread_mutex_unlock(&mutex_);
        task(context, number);
        pthread_mutex_lock(&mutex_);
        if (pending_.fetch_sub(1) == 1) pthread_cond_signal(&work_done_);
    }
    pthread_mutex_unlock(&mutex_);
}

void ThreadPool::run(std::uint32_t count, Task task, void* context) {
    count = std::min(count, started_ + 1);
    if (count <= 1) {
        task(context, 0);
        return;
    }
    if (forked_) {
        for (std::uint32_t thread = 0; thread < count; ++thread) task(context, thread);
        return;
    }
    pthread_mutex_lock(&mutex_);
    task_ = task;
    context_ = context;
    active_ = count;
    pending_ = count - 1;
    const int spin_limit = spin_limit_of(0);
    ++round_;
    pthread_cond_broadcast(&work_ready_);
    pthread_mutex_unlock(&mutex_);
    task(context, 0);
    spin(spin_limit, [&] { return pending_.load(std::memory_order_acquire) == 0; });
    pthread_mutex_lock(&mutex_);
    while (pending_ != 0) pthread_cond_wait(&work_done_, &mutex_);
    pthread_mutex_unlock(&mutex_);
}

}  // namespace fovea
