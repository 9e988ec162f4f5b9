"""Runs a command beside an S3 server on loopback that ends with it.

The command finds the server in TIDEMILL_S3_ENDPOINT, with a bucket named `bucket`.
"""

import logging
import os
import subprocess
import sys
import urllib.request

from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
try:
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bucket", method="PUT"), timeout=30)
    command = subprocess.run(sys.argv[1:], env={**os.environ, "TIDEMILL_S3_ENDPOINT": endpoint}, timeout=1200)
    sys.exit(command.returncode)
finally:
    server.stop()
