import subprocess
import sys

from tasks.tracking.runs import is_dead, this_process


def test_this_process_lives():
    assert not is_dead(this_process())


def test_a_process_that_ended_is_dead():
    code = "from tasks.tracking.runs import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert is_dead(ended.stdout.strip())


def test_a_pid_that_is_used_again_does_not_revive_its_first_owner():
    host, pid, start = this_process().rsplit(":", 2)
    assert is_dead(f"{host}:{pid}:{int(start) - 1000}")


def test_processes_of_other_hosts_and_unknown_ones_are_left_alone():
    assert not is_dead("elsewhere:1:1")
    assert not is_dead("")
    assert not is_dead("odd")
