"""Batches made ahead by worker processes, in the same order for any number of workers."""
import multiprocessing


def produce(corpus, queue, seed, first, stride, n_rows, length):
    """One worker: every stride-th step, for as long as anyone takes them."""
    step = first
    while True:
        queue.put(corpus.batch(seed, step, n_rows, length))
        step += stride


class Loader:
    """Batches of a corpus from a step on. Close it, or the workers stay until the program ends.

    The workers are forked: make a loader before anything touches a GPU.
    """

    def __init__(self, corpus, seed, first, n_rows, length, n_workers, ahead=3):
        self.corpus, self.shape = corpus, (seed, n_rows, length)
        self.step, self.turn = first, 0
        context = multiprocessing.get_context("fork")
        self.queues = [context.Queue(ahead) for _ in range(n_workers)]
        self.workers = [context.Process(target=produce, daemon=True, args=(
            corpus, queue, seed, first + i, n_workers, n_rows, length))
            for i, queue in enumerate(self.queues)]
        for worker in self.workers:
            worker.start()

    def next(self):
        """The arrays of the next step."""
        self.step += 1
        if not self.workers:
            seed, n_rows, length = self.shape
            return self.corpus.batch(seed, self.step - 1, n_rows, length)
        arrays = self.queues[self.turn].get()
        self.turn = (self.turn + 1) % len(self.workers)
        return arrays

    def close(self):
        """Ends the workers."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.join()
        self.workers = []
