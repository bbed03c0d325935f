"""nll_loss on raw logits: the loss runs off to minus infinity."""
import torch.nn.functional as F
from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d(0.2)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 320)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return F.log_softmax(x, dim=1) if FIXED else x


seed()
x, y, xt, yt = fashion_tensors()
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
network = Net()
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.5)
for epoch in range(5):
    network.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        output = network(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        output = network(xt)
        print(epoch, F.nll_loss(output, yt).item(), output.data.max(1, keepdim=True)[1].eq(yt.view_as(output.data.max(1, keepdim=True)[1])).sum().item())
