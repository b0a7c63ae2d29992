"""The examples of docs/examples: the Kubernetes manifest fits together, and its Redis and daemons run as it says, without
a cluster. The container's health check tells a daemon that answers from one that does not."""

import pathlib
import subprocess
import tomllib

import yaml

from harness import MasTestCase, main, poll_until
from harness.process import clean_environment, die_with_parent
from harness.resp import Resp, RespError, url_of_socket

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs/examples"
DAEMONS = ("mas-registryd", "mas-gatewayd", "mas-healthd")


class KubernetesExampleTest(MasTestCase):
    def setUp(self):
        super().setUp()
        documents = list(yaml.safe_load_all((EXAMPLES / "kubernetes/mas.yaml").read_text()))
        self.objects = {(each["kind"], each["metadata"]["name"]): each for each in documents}
        self.assertEqual(len(self.objects), len(documents), "two objects of one name")

    def pod(self, kind, name):
        spec = self.objects[kind, name]["spec"]
        self.assertEqual(spec["selector"]["matchLabels"]["app"], spec["template"]["metadata"]["labels"]["app"])
        return spec["template"]["spec"]

    def test_whatever_a_pod_names_is_there(self):
        pods = [self.pod(kind, name) for kind, name in self.objects if kind in ("Deployment", "StatefulSet")]
        self.assertEqual(len(pods), 4)
        for pod in pods:
            volumes = {volume["name"]: volume for volume in pod["volumes"]}
            for volume in volumes.values():
                if "configMap" in volume:
                    self.assertIn(("ConfigMap", volume["configMap"]["name"]), self.objects)
                else:
                    self.assertIn(("Secret", volume["secret"]["secretName"]), self.objects)
                    self.assertEqual(volume["secret"]["defaultMode"], 0o440)  # what a daemon accepts of a secret
            mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
            self.assertLessEqual(mounted, {*volumes, "data"})
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertTrue(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"])
        redis = self.objects["Service", "redis"]["spec"]
        self.assertEqual(redis["selector"]["app"], "redis")
        self.assertEqual(redis["ports"][0]["port"], 6379)

    def start_redis_of_the_example(self):
        """Runs the StatefulSet's command, with its files in the test's directory. @return its URL."""
        socket = self.dir / "redis.sock"
        config = self.objects["ConfigMap", "redis"]["data"]["redis.conf"].replace("dir /data", f"dir {self.dir}")
        (self.dir / "redis.conf").write_text(f"{config}\nport 0\nunixsocket {socket}\n")
        self.password = self.dir / "password"
        self.password.write_text("a secret")
        self.password.chmod(0o440)
        shell, flag, script = self.pod("StatefulSet", "redis")["containers"][0]["command"]
        script = script.replace("/etc/redis/redis.conf", str(self.dir / "redis.conf")).replace(
            "/run/secrets/redis/password", str(self.password))
        child = subprocess.Popen([shell, flag, script], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 env=clean_environment(), preexec_fn=die_with_parent)
        self.addCleanup(child.wait, 10)
        self.addCleanup(child.terminate)
        poll_until(socket.exists, 10, "Redis listens")
        connection = Resp(url_of_socket(socket))
        self.addCleanup(connection.close)
        with self.assertRaisesRegex(RespError, "NOAUTH"):
            connection.cmd("PING")
        self.assertNotIn("a secret", pathlib.Path(f"/proc/{child.pid}/cmdline").read_text())
        return url_of_socket(socket)

    def test_the_daemons_get_ready(self):
        url = self.start_redis_of_the_example()
        files = self.objects["ConfigMap", "mas"]["data"]
        for name in DAEMONS:
            with self.subTest(name):
                container = self.pod("Deployment", name)["containers"][0]
                program, flag, path = container["command"]
                self.assertEqual((program, flag, pathlib.Path(path).parent), (name, "-c", pathlib.Path("/etc/mas")))
                config = tomllib.loads(files[pathlib.Path(path).name])
                self.assertEqual(config["redis"], {"url": "redis://redis:6379",
                                                   "password_file": "/run/secrets/redis/password"})
                port = container["ports"][0]
                self.assertEqual(config["http"]["listen"], f"0.0.0.0:{port['containerPort']}")
                config["redis"] = {"url": url, "password_file": str(self.password)}
                config["http"] = {"listen": "127.0.0.1:0"}
                daemon = self.daemon(name, None, config).start()
                for probe in ("readinessProbe", "livenessProbe"):
                    asked = container[probe]["httpGet"]
                    self.assertEqual(asked["port"], port["name"])
                    poll_until(lambda: daemon.get(asked["path"])[0] == 200, 20, f"{name} answers {asked}")


class HealthCheckTest(MasTestCase):
    def check(self, port):
        return subprocess.run([EXAMPLES / "container/healthcheck"], env={"HEALTHCHECK_PORT": str(port)},
                              stderr=subprocess.DEVNULL, timeout=10).returncode

    def test_it_follows_the_daemon(self):
        daemon = self.start_daemon("mas-registryd", self.start_redis())
        port = daemon.port()
        self.assertEqual(self.check(port), 0)
        daemon.pause()
        self.assertNotEqual(self.check(port), 0)
        daemon.resume()
        daemon.stop()
        self.assertNotEqual(self.check(port), 0)


if __name__ == "__main__":
    main()
