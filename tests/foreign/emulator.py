"""ministack on loopback: the emulator of AWS that is not ours, and clients for it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import botocore.config
import botocore.session

REGION = "ap-southeast-1"
ACCOUNT = "123456789012"
STARTING = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    """A running emulator; as a context manager it is ended with everything it started."""

    def __init__(self, log):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder = tempfile.TemporaryDirectory(prefix="foreign-")
        # Its default address is every one of this machine.
        settings = {
            "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "AWS_ENDPOINT_URL": self.address,
            "MINISTACK_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "TMPDIR": self.folder.name, "LOG_LEVEL": "INFO", "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], cwd=self.folder.name, env=os.environ | settings,
            stdout=log, stderr=log, start_new_session=True,
        )
        self.session = botocore.session.Session()
        self.session.set_credentials(ACCOUNT, "none")

    def client(self, service, region=REGION):
        config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=120)
        return self.session.create_client(service, region_name=region, endpoint_url=self.address, config=config)

    def __enter__(self):
        end = time.monotonic() + STARTING
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"ministack ended with {self.process.returncode}; see {self.log.name}")
            try:
                with urllib.request.urlopen(f"{self.address}/_ministack/health", timeout=2):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"ministack was not ready in {STARTING} s; see {self.log.name}")

    def __exit__(self, *_):
        # A session of its own: the functions' processes belong to it.
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.folder.cleanup()
