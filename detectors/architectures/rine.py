"""The trained part of RINE; import this module inside functions only."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

TEMPERATURE = 0.07  # of the contrastive loss


class RineHead(nn.Module):
    """Projects the tokens of all blocks, weighs the blocks per column, projects again and decides.

    Args:
        blocks: Tokens of an image.
        width: Columns of a token.
        projections: Linear layers of each of the two projections.
        columns: Columns of a projected token.
        dropout: Before each layer.
    """

    def __init__(self, blocks: int, width: int, projections: int, columns: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.shape = (blocks, width)
        self.alpha = nn.Parameter(torch.randn(1, blocks, columns))
        self.proj1 = _projection(width, projections, columns, dropout)
        self.proj2 = _projection(columns, projections, columns, dropout)
        middle = (nn.Linear(columns, columns), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Sequential(
            *middle, nn.Linear(columns, columns), nn.ReLU(), nn.Dropout(dropout), nn.Linear(columns, 1)
        )

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Log odds (N,) and the vectors that are decided on (N, columns), of tokens (N, blocks * width)."""
        projected = self.proj1(tokens.view(-1, *self.shape))
        vectors = self.proj2((torch.softmax(self.alpha, 1) * projected).sum(1))
        return self.head(vectors)[:, 0], vectors


def _projection(width: int, layers: int, columns: int, dropout: float) -> nn.Sequential:
    parts: list[nn.Module] = [nn.Dropout(dropout)]
    for number in range(layers):
        parts += [nn.Linear(columns if number else width, columns), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts)


def contrastive_loss(vectors: Tensor, labels: Tensor) -> Tensor:
    """The supervised contrastive loss of a batch (Khosla et al., NeurIPS 2020, arXiv 2004.11362, its first form).

    Args:
        vectors: Float (N, D); their directions count.
        labels: Of the images, int64 (N,). One without another of its class adds nothing.
    """
    directions = normalize(vectors, dim=1)
    similarities = directions @ directions.T / TEMPERATURE
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    log_shares = similarities - torch.logsumexp(similarities.masked_fill(~others, -torch.inf), 1, keepdim=True)
    same = others & (labels[:, None] == labels[None, :])
    counts = same.sum(1)
    means = (log_shares * same).sum(1)[counts > 0] / counts[counts > 0]
    return -means.mean() if len(means) else similarities.sum() * 0
