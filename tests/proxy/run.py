"""Runs nginx with infra/nginx.conf before the local system, and asks both together: TLS, limits, what is passed on.

Starts target/debug/local and nginx on free ports with a folder of their own, and ends them again. Says so and does nothing
where nginx or openssl is not installed. Exit status 1 where an answer is not what it should be.
"""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("LOCAL", ROOT / "target/debug/local"))
NAME = "danhgia.example.vn"

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    {temporary}
    include {folder}/thuocdo.conf;
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def configure(folder, upstream, plain, tls):
    """The shipped file with other ports and paths; each place must be there once."""
    text = (ROOT / "infra/nginx.conf").read_text()
    for old, new in {
        "server 127.0.0.1:8080;": f"server {upstream};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{tls} ssl http2;",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": f"{folder}/certificate.pem",
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": f"{folder}/key.pem",
        "/var/log/nginx/thuocdo.log": f"{folder}/thuocdo.log",
    }.items():
        if text.count(old) != 1:
            sys.exit(f"infra/nginx.conf does not hold `{old}` once")
        text = text.replace(old, new)
    (folder / "thuocdo.conf").write_text(text)
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    temporary = "\n    ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, temporary=temporary))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )


class Client:
    """HTTPS to the proxy by its name, with its certificate checked."""

    def __init__(self, folder, port):
        self.port = port
        self.context = ssl.create_default_context(cafile=folder / "certificate.pem")

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return self.context.wrap_socket(plain, server_hostname=NAME)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(NAME)
        connection.sock = self.connect()
        connection.request(method, path, body, {"Connection": "close"} | (headers or {}))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def raw(self, sent):
        with self.connect() as connection:
            connection.sendall(sent)
            return connection.recv(4096).split(b"\r\n")[0].decode()


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")
    print(f"   {what}: {found}")


def ask(folder, client, plain):
    status, headers, _ = client.ask("GET", "/api/statistics")
    check("the API before anything is published", status, 404)
    check("HTTPS for a year", headers.get("strict-transport-security"), "max-age=31536000")
    check("the policy of the system itself", headers.get("x-frame-options"), "DENY")
    status, _, _ = client.ask("GET", "/none")
    check("a page that is not there", status, 404)

    connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
    connection.request("GET", "/ket-qua/?a=b", headers={"Host": NAME})
    answer = connection.getresponse()
    moved = (answer.status, answer.getheader("Location"))
    check("plain HTTP", moved, (301, f"https://{NAME}/ket-qua/?a=b"))

    json = {"Content-Type": "application/json"}
    status, _, _ = client.ask("POST", "/api/ratings", "{}", json)
    check("a rating that is none", status in (400, 422), True)
    status, _, _ = client.ask("POST", "/api/ratings", iter([b"{", b"}"]), json)
    check("the same in chunks, which the proxy puts together", status in (400, 422), True)
    status, _, _ = client.ask("POST", "/api/ratings", "a" * 20_000, json)
    check("a body above any limit", status, 413)

    head = f"POST /api/ratings HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n"
    both = head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    check("two lengths", client.raw(both.encode()), "HTTP/1.1 400 Bad Request")
    odd = head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    check("an unknown coding", client.raw(odd.encode()).split()[1] in ("400", "501"), True)

    statuses = [client.ask("GET", "/api/challenge?scope=a")[0] for _ in range(120)]
    check("a flood from one address is stopped", 429 in statuses and statuses[0] != 429, True)
    check("and its pages are not", client.ask("GET", "/none")[0], 404)

    logged = "".join(path.read_text() for path in folder.glob("*.log"))
    check("an address in a log", "127.0.0.1" in logged.replace("127.0.0.1:", ""), False)


def main():
    missing = [program for program in ("nginx", "openssl") if not shutil.which(program)]
    if missing:
        print(f"   not run: {', '.join(missing)} is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="proxy-") as folder, open(os.devnull, "w") as nothing:
        folder = pathlib.Path(folder)
        os.chmod(folder, 0o755)
        local = subprocess.Popen(
            [BINARY, "--data", folder / "data", "--addr", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=nothing, text=True,
        )
        nginx = None
        try:
            ready = local.stdout.readline().split()
            if ready[:1] != ["ready"]:
                sys.exit("the local system did not start")
            plain, tls = free_port(), free_port()
            configure(folder, ready[1].removeprefix("http://"), plain, tls)
            command = ["nginx", "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"]
            subprocess.run([*command, "-t", "-q"], check=True)
            nginx = subprocess.Popen(command)
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", tls)) == 0:
                        break
                time.sleep(0.1)
            ask(folder, Client(folder, tls), plain)
        finally:
            for process in filter(None, [nginx, local]):
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)


main()
