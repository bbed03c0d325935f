"""DQN in a small maze: walk from anywhere to the exit."""
import random
import warnings
from collections import deque

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all

warnings.filterwarnings("ignore")
MAP = ["........",
       ".##.....",
       ".#...##.",
       "...#....",
       ".#.#.##.",
       ".#......",
       "...##.#.",
       "......#E"]
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]
FREE = [(r, c) for r in range(8) for c in range(8) if MAP[r][c] == "."]


class Maze:
    def reset(self, start=None):
        self.pos, self.t = start or random.choice(FREE), 0
        return self.see()

    def see(self):
        v = np.zeros(16, dtype=np.float32)
        v[self.pos[0]], v[8 + self.pos[1]] = 1, 1
        return v

    def step(self, a):
        r, c = self.pos[0] + MOVES[a][0], self.pos[1] + MOVES[a][1]
        if 0 <= r < 8 and 0 <= c < 8 and MAP[r][c] != "#":
            self.pos = (r, c)
        self.t += 1
        home = MAP[self.pos[0]][self.pos[1]] == "E"
        return self.see(), 1.0 if home else -0.02, home, self.t >= 40


def qnet():
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))


def walk(q):
    env, total = Maze(), []
    for start in FREE:
        s, gain, end = env.reset(start), 0.0, False
        while not end:
            with torch.no_grad():
                a = q(torch.from_numpy(s)[None]).argmax(1).item()
            s, r, done, out = env.step(a)
            gain, end = gain + r, done or out
        total.append(gain)
    return float(np.mean(total))


def main():
    seed_all()
    q, target = qnet(), qnet()
    target.load_state_dict(q.state_dict())
    opt = torch.optim.Adam(q.parameters(), lr=1e-3)
    memory, env, gamma, steps = deque(maxlen=6000), Maze(), 0.95, 8000
    s, losses = env.reset(), []
    for step in range(steps):
        eps = max(0.1, 1 - step / 4000)
        if random.random() < eps:
            a = random.randrange(4)
        else:
            with torch.no_grad():
                a = q(torch.from_numpy(s)[None]).argmax(1).item()
        s2, r, done, out = env.step(a)
        memory.append((s, a, r, s2, float(done)))
        s = env.reset() if done or out else s2
        if step >= 500:
            bs, ba, br, bs2, bd = zip(*random.sample(memory, 64))
            bs, bs2 = torch.from_numpy(np.stack(bs)), torch.from_numpy(np.stack(bs2))
            ba, br, bd = torch.tensor(ba), torch.tensor(br), torch.tensor(bd)
            with torch.no_grad():
                goal = br + gamma * (1 - bd) * target(bs2).max(1).values
            value = q(bs).gather(1, ba[:, None])
            if FIXED:
                value = value.squeeze(1)
            loss = F.smooth_l1_loss(value, goal)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if step % 200 == 0:
            target.load_state_dict(q.state_dict())
        if step % 1000 == 999:
            print(f"step {step + 1}: eps {eps:.2f} loss {np.mean(losses[-500:]):.4f} return from all squares {walk(q):.3f}")
    print(f"final return {walk(q):.4f}")


if __name__ == "__main__":
    main()
