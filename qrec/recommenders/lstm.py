"""An LSTM that corrects the predictions of another recommender."""

from typing import Annotated

from annotated_types import Ge, Le

from qrec.recommenders.base import Recommender
from qrec.recommenders.neural_corrector import NeuralCorrector
from qrec.recommenders.spaces import Range


class LSTMCorrector(NeuralCorrector):
    """Predict b + e, with b the prediction of `base` and e the error an LSTM expects of it.

    `QuantumErrorLSTM` of "Integrating Quantum SVD & LSTM for Improved Recommender Accuracy":
    the embeddings of user and item (32 numbers each) and b are one step of an LSTM with 64
    hidden units; dropout 0.1 and a linear layer give e. Adam on the squared error, early
    stopping on the validation RMSE. `NeuralCorrector` is what its future work asks for.

    The embeddings alone can learn who rates high and what is rated high, whatever `base`
    says: around the default `base`, the global mean, the corrector tells how much of a hybrid's
    accuracy owes nothing to its base. With ``prefit=True`` `base` is taken as it is, fitted
    on the same ratings; otherwise a clone of it is fitted. Pairs that `base` cannot score are
    not scored.
    """

    def __init__(
        self,
        base: Recommender | None = None,
        prefit: bool = False,
        embedding_dim: Annotated[int, Ge(1)] = 32,
        hidden_dim: Annotated[int, Ge(1)] = 64,
        dropout: Annotated[float, Ge(0), Le(1), Range(low=0.0, high=0.5)] = 0.1,
        learning_rate: Annotated[float, Ge(0), Range(low=1e-5, high=1e-2, log=True)] = 1e-4,
        n_epochs: Annotated[int, Ge(1)] = 20,
        batch_size: Annotated[int, Ge(1)] = 256,
        patience: Annotated[int, Ge(1)] = 2,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        super().__init__(
            base, prefit, cell="lstm", embedding_dim=embedding_dim, hidden_dim=hidden_dim,
            dropout=dropout, learning_rate=learning_rate, n_epochs=n_epochs,
            batch_size=batch_size, patience=patience, random_state=random_state,
        )  # fmt: skip
