"""Starts torchrun twice, as srun would on two machines, each with one process of the training."""

import os
import subprocess
import sys

if __name__ == "__main__":
    port, words = sys.argv[1], sys.argv[2:]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
    meeting = [
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint=127.0.0.1:{port}",
        "--rdzv-id=test",
        "--local-addr=127.0.0.1",
    ]
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
    both = [
        subprocess.Popen([*torchrun, *meeting, "--max-restarts=2", *words], env=environment) for _ in range(2)
    ]
    sys.exit(max(each.wait() for each in both))
